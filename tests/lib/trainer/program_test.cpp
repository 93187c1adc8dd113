// train_full as a person meets it.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

namespace {

struct Answer {
  int status;
  std::string out;  // stdout and stderr
};

Answer run(const std::string& command) {
  std::FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::string out;
  char buffer[4096];
  while (const std::size_t read = std::fread(buffer, 1, sizeof buffer, pipe)) out.append(buffer, read);
  const int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, out};
}

std::string contents(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::ptrdiff_t lines(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
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
       {"--tiny", "--small", "--medium", "--large", "--iterations", "--seed", "--blas", "--data"}) {
    EXPECT_NE(help.out.find(flag), std::string::npos) << flag;
  }
}

TEST(TrainFull, AnswersAWrongCallWithOneLineAndStatus2) {
  for (const char* arguments :
       {"", "--tinny", "--tiny --small", "--tiny --iterations 0", "--tiny --iterations many",
        "--tiny --iterations 99999999999999999999", "--tiny --seed -1", "--tiny --blas mkl",
        "--tiny --data /nowhere/text", "--tiny extra"}) {
    const Answer wrong = run(train_full + " " + arguments);
    EXPECT_EQ(wrong.status, 2) << arguments << ": " << wrong.out;
    EXPECT_EQ(lines(wrong.out), 1) << arguments << ": " << wrong.out;
    EXPECT_EQ(wrong.out.substr(0, 12), "train_full: ") << wrong.out;
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
  const auto without_speeds = [](std::string out) {
    for (std::size_t at; (at = out.find(" it/s")) != std::string::npos;) {
      const std::size_t start = out.rfind(' ', at - 1);
      out.erase(start, at + 5 - start);
    }
    return out;
  };
  const Answer plain = run(train_full + arguments);
  const Answer tagged = run(instrumented + arguments);
  EXPECT_EQ(tagged.status, 0) << tagged.out;
  EXPECT_EQ(without_speeds(tagged.out), without_speeds(plain.out));
}

TEST(TrainFullInstrumented, RefusesAnUnknownDefectAndListsTheKnown) {
  const Answer wrong = run("LEAKHUNT_DEFECT=arena-on-fire " + instrumented + " --tiny");
  EXPECT_EQ(wrong.status, 2);
  EXPECT_EQ(lines(wrong.out), 1) << wrong.out;
  for (const char* part :
       {"arena-on-fire", "arena-orphaned-chunks", "optimizer-reallocates", "stray-heap", "tape-retained"}) {
    EXPECT_NE(wrong.out.find(part), std::string::npos) << part;
  }
}

}  // namespace
