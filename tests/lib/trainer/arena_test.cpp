#include "lib/trainer/arena.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "tests/lib/trainer/counting_resource.h"

namespace leakhunt::trainer {
namespace {

class Watcher final : public ArenaObserver {
 public:
  std::size_t bytes = 0;
  int resets = 0;

 private:
  void allocated(std::size_t size) override { bytes += size; }
  void reset() override { ++resets; }
};

// A piece nobody uses.
void take(Arena& arena, std::size_t bytes, std::size_t alignment) {
  const void* piece = arena.allocate(bytes, alignment);
  EXPECT_NE(piece, nullptr);
}

TEST(Arena, TakesNothingBeforeItIsAsked) {
  CountingResource heap;
  const Arena arena(heap, 1024);
  EXPECT_EQ(heap.allocations(), 0u);
  EXPECT_EQ(arena.chunk_count(), 0u);
}

TEST(Arena, AlignsEveryPiece) {
  CountingResource heap;
  Arena arena(heap, 4096);
  for (std::size_t alignment : {1u, 2u, 8u, 16u, 32u, 64u}) {
    for (std::size_t bytes : {1u, 3u, 17u, 64u, 1000u}) {
      const auto address = reinterpret_cast<std::uintptr_t>(arena.allocate(bytes, alignment));
      EXPECT_EQ(address % alignment, 0u) << bytes << " bytes at " << alignment;
    }
  }
}

TEST(Arena, GivesTheSamePiecesAgainAfterAReset) {
  CountingResource heap;
  Arena arena(heap, 1024);
  std::vector<void*> before;
  for (int i = 0; i < 20; ++i) before.push_back(arena.allocate(300, 8));
  const std::uint64_t allocations = heap.allocations();
  EXPECT_GT(arena.chunk_count(), 3u);
  for (int round = 0; round < 5; ++round) {
    arena.reset();
    for (void* piece : before) EXPECT_EQ(arena.allocate(300, 8), piece);
  }
  EXPECT_EQ(heap.allocations(), allocations) << "the chain that is there must be walked";
}

TEST(Arena, PutsAnOversizeRequestInAChunkOfItsOwn) {
  CountingResource heap;
  Arena arena(heap, 1024);
  take(arena, 100, 8);
  auto* large = static_cast<std::byte*>(arena.allocate(100'000, 64));
  large[0] = large[99'999] = std::byte{1};
  EXPECT_EQ(arena.chunk_count(), 2u);
  EXPECT_GE(heap.live_bytes(), 101'024u);
  arena.reset();
  take(arena, 100, 8);
  EXPECT_EQ(arena.allocate(100'000, 64), large);
}

TEST(Arena, PassesOverAChunkThatIsTooSmall) {
  CountingResource heap;
  Arena arena(heap, 1024);
  for (int i = 0; i < 3; ++i) take(arena, 900, 8);
  arena.reset();
  take(arena, 900, 8);
  take(arena, 5000, 8);
  EXPECT_EQ(arena.chunk_count(), 4u);
  arena.reset();
  for (int i = 0; i < 3; ++i) take(arena, 900, 8);
  EXPECT_EQ(arena.chunk_count(), 4u) << "the small ones are there again after a reset";
}

TEST(Arena, HandsOutAnEmptyPiece) {
  CountingResource heap;
  Arena arena(heap, 1024);
  EXPECT_NE(arena.allocate(0, 8), nullptr);
}

TEST(Arena, TellsItsObserverWhatIsAskedAndWhenItIsReset) {
  CountingResource heap;
  Watcher watcher;
  Arena arena(heap, 1024, &watcher);
  take(arena, 100, 8);
  take(arena, 2000, 64);
  arena.reset();
  EXPECT_EQ(watcher.bytes, 2100u);
  EXPECT_EQ(watcher.resets, 1);
}

TEST(Arena, GivesEveryChunkBack) {
  CountingResource heap;
  {
    Arena arena(heap, 1024);
    for (int i = 0; i < 50; ++i) take(arena, 500, 8);
    EXPECT_EQ(heap.live_bytes(), arena.chunk_bytes_total());
    EXPECT_EQ(heap.live_blocks(), arena.chunk_count());
  }
  EXPECT_EQ(heap.live_bytes(), 0u);
}

}  // namespace
}  // namespace leakhunt::trainer
