// train_full as a person meets it.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/lib/trainer/answers.h"

namespace leakhunt::trainer {
namespace {

std::string contents(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

const std::string train_full = TRAIN_FULL;
const std::string instrumented = TRAIN_FULL_INSTRUMENTED;

TEST(TrainFull, TrainsAndTellsHowItGoes) {
  const Answer tiny = run(train_full + " --tiny --iterations 200 --sample-every 150");
  EXPECT_EQ(tiny.status, 0) << tiny.out;
  for (const char* part : {"tiny: 46307 parameters", "matrix products: ", "iteration    100/200",
                           "---- sample ----", "iteration    200/200", "it/s", "done: loss 3.5"}) {
    EXPECT_NE(tiny.out.find(part), std::string::npos) << part << " is missing in\n" << tiny.out;
  }
}

TEST(TrainFull, ExplainsItself) {
  const Answer help = run(train_full + " --help");
  EXPECT_EQ(help.status, 0);
  for (const char* flag :
       {"--tiny", "--small", "--medium", "--large", "--iterations", "--schedule-iterations", "--seed",
        "--blas", "--data", "--threads", "--precision", "--prompt", "--sample-every", "--out",
        "--checkpoint-every", "--resume", "--trace", "--export-start"}) {
    EXPECT_NE(help.out.find(flag), std::string::npos) << flag;
    EXPECT_NE(help.out.find(flag), help.out.rfind(flag)) << flag << " has no example";
  }
}

TEST(TrainFull, TakesItsFlagsInAnyOrder) {
  const char* const orders[] = {" --tiny --iterations 3 --seed 7 --precision f32",
                                " --precision=f32 --seed 7 --iterations=3 --tiny"};
  EXPECT_EQ(without_speeds(run(train_full + orders[0]).out), without_speeds(run(train_full + orders[1]).out));
}

TEST(TrainFull, AnswersAWrongCallWithOneLineAndStatus2) {
  for (const char* arguments : {"",
                                "--tinny",
                                "--tiny --small",
                                "--tiny --iterations 0",
                                "--tiny --iterations many",
                                "--tiny --iterations 99999999999999999999",
                                "--tiny --seed -1",
                                "--tiny --blas mkl",
                                "--tiny --data /nowhere/text",
                                "--tiny --data /tmp",
                                "--tiny extra",
                                "--tiny --threads 0",
                                "--tiny --precision f16",
                                "--tiny --resume /nowhere/model.lhc",
                                "--tiny --resume /tmp",
                                "--tiny --resume /dev/null",
                                "--tiny --resume",
                                "--tiny --out /dev/null",
                                "--tiny --out /proc/nowhere",
                                "--tiny --checkpoint-every 0",
                                "--tiny --prompt ~",
                                "--tiny --trace /nowhere/trace",
                                "--tiny --schedule-iterations 0"}) {
    const Answer wrong = run(train_full + " " + arguments);
    EXPECT_EQ(wrong.status, 2) << arguments << ": " << wrong.out;
    EXPECT_EQ(lines(wrong.out), 1) << arguments << ": " << wrong.out;
    EXPECT_EQ(wrong.out.substr(0, 12), "train_full: ") << wrong.out;
  }
}

TEST(TrainFull, NamesAFlagThatItDoesNotKnow) {
  for (const char* arguments : {"--tinny", "--tinny --seed 2", "--tiny --tinny"}) {
    const Answer wrong = run(train_full + " " + arguments);
    EXPECT_NE(wrong.out.find("not expected: --tinny"), std::string::npos) << wrong.out;
  }
}

TEST(TrainFull, HasNothingOfTheTracker) {
  const std::string program = contents(TRAIN_FULL);
  ASSERT_GT(program.size(), 10'000u);
  EXPECT_EQ(program.find("leakhunt_"), std::string::npos);
  EXPECT_EQ(program.find("arena.tensor"), std::string::npos);
  EXPECT_NE(contents(TRAIN_FULL_INSTRUMENTED).find("leakhunt_iteration"), std::string::npos);
}

TEST(TrainFullInstrumented, TrainsAsThePlainOneDoes) {
  const std::string arguments = " --tiny --iterations 50 --sample-every 20";
  const Answer plain = run(train_full + arguments);
  const Answer tagged = run(instrumented + arguments);
  EXPECT_EQ(tagged.status, 0) << tagged.out;
  EXPECT_EQ(without_speeds(tagged.out), without_speeds(plain.out));
}

TEST(TrainFullInstrumented, RefusesAnUnknownDefectAndListsTheKnown) {
  const Answer wrong = run("LEAKHUNT_DEFECT=arena-on-fire " + instrumented + " --tiny");
  EXPECT_EQ(wrong.status, 2);
  EXPECT_EQ(lines(wrong.out), 1) << wrong.out;
  for (const char* part : {"arena-on-fire", "arena-orphaned-chunks", "checkpoint-leaks",
                           "optimizer-reallocates", "stray-heap", "tape-retained"}) {
    EXPECT_NE(wrong.out.find(part), std::string::npos) << part;
  }
}

}  // namespace
}  // namespace leakhunt::trainer
