// The plan says what a training really takes, tag by tag, to the byte.
#include "lib/trainer/memory_plan.h"

#include <gtest/gtest.h>

#include "lib/trainer/arena.h"
#include "lib/trainer/dataset.h"
#include "tests/lib/trainer/both_precisions.h"
#include "tests/lib/trainer/counting_resource.h"

namespace leakhunt::trainer {
namespace {

void expect_planned(const Mode& mode, std::size_t real_bytes, unsigned threads,
                    const std::vector<PlannedMemory>& counted) {
  ModelConfig model = mode.model;
  model.vocabulary = 35;
  const std::vector<PlannedMemory> plan = plan_memory({.model = model,
                                                       .real_bytes = real_bytes,
                                                       .threads = threads,
                                                       .sample_length = 320,
                                                       .text_length = built_in_text.size()});
  ASSERT_EQ(plan.size(), counted.size());
  for (std::size_t i = 0; i < plan.size(); ++i) {
    EXPECT_EQ(plan[i].tag, counted[i].tag);
    EXPECT_EQ(plan[i].blocks, counted[i].blocks)
        << mode.name << " " << plan[i].tag << ", " << threads << " threads";
    if (plan[i].tag != "dataset") {  // its vectors may have room to spare
      EXPECT_EQ(plan[i].bytes, counted[i].bytes)
          << mode.name << " " << plan[i].tag << ", " << threads << " threads";
    }
  }
}

TEST(MemoryPlan, IsWhatATrainingTakes) {
  for (const Mode& mode : {modes[0], modes[1], v2_mode}) {
    for (const unsigned threads : {1U, 3U}) {
      expect_planned(mode, 8, threads, f64::memory_of_training(mode, threads));
      expect_planned(mode, 4, threads, f32::memory_of_training(mode, threads));
    }
  }
}

TEST(MemoryPlan, LaysPiecesIntoChunksAsTheArenaDoes) {
  CountingResource chunks;
  const std::vector<std::size_t> pieces = {100, 900, 64, 8, 3000, 1, 960, 961, 2, 1024};
  Arena arena(chunks, 1024);
  for (const std::size_t piece : pieces) static_cast<void>(arena.allocate(piece, 64));
  const PlannedMemory plan = plan_arena(pieces, 1024);
  EXPECT_EQ(plan.blocks, chunks.live_blocks());
  EXPECT_EQ(plan.bytes, chunks.live_bytes());
}

}  // namespace
}  // namespace leakhunt::trainer
