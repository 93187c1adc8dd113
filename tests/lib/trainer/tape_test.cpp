#include "lib/trainer/tape.h"

#include <gtest/gtest.h>

#include <vector>

#include "lib/trainer/ops.h"
#include "tests/lib/trainer/counting_resource.h"

namespace leakhunt::trainer {
namespace {

std::vector<Index> visited;

Node numbered(Index number) {
  Node node;
  node.backward = [](const Node& self, Workspace&) { visited.push_back(self.detail); };
  node.detail = number;
  return node;
}

TEST(Tape, GoesBackFromTheNewestToTheOldest) {
  CountingResource heap;
  Tape tape(heap);
  const std::unique_ptr<Blas> blas = make_plain_blas();
  Workspace workspace{.temporaries = heap, .scratch = heap, .blas = *blas};
  for (Index i = 0; i < 4; ++i) tape.record(numbered(i));
  visited.clear();
  tape.backward(workspace);
  EXPECT_EQ(visited, (std::vector<Index>{3, 2, 1, 0}));
}

TEST(Tape, AllocatesEachNodeByItselfAndRecyclesItAfterAReset) {
  CountingResource heap;
  Tape tape(heap);
  for (int round = 0; round < 10; ++round) {
    for (Index i = 0; i < 12; ++i) tape.record(numbered(i));
    EXPECT_EQ(tape.size(), 12u);
    tape.reset();
    EXPECT_EQ(tape.size(), 0u);
  }
  EXPECT_EQ(heap.allocations(), 12u);
  EXPECT_EQ(heap.live_bytes(), 12 * Tape::node_bytes);
}

TEST(Tape, TakesMoreNodesOnlyForALongerIteration) {
  CountingResource heap;
  Tape tape(heap);
  for (Index length : {5u, 3u, 8u, 8u, 2u}) {
    for (Index i = 0; i < length; ++i) tape.record(numbered(i));
    tape.reset();
  }
  EXPECT_EQ(heap.allocations(), 8u);
}

TEST(Tape, GivesEveryNodeBack) {
  CountingResource heap;
  {
    Tape tape(heap);
    for (Index i = 0; i < 5; ++i) tape.record(numbered(i));
    tape.reset();
    for (Index i = 0; i < 2; ++i) tape.record(numbered(i));
  }
  EXPECT_EQ(heap.live_blocks(), 0u);
}

}  // namespace
}  // namespace leakhunt::trainer
