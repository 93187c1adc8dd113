// train_threaded as a person meets it.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
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

std::string word_after(const std::string& text, const std::string& before) {
  const std::size_t at = text.rfind(before);
  if (at == std::string::npos) return {};
  const std::size_t start = at + before.size();
  return text.substr(start, text.find_first_of(" \n", start) - start);
}

const std::string program = TRAIN_THREADED;
const std::string instrumented = TRAIN_THREADED_INSTRUMENTED;
const std::string quick = " --text-megabytes 0.1 --steps 2 --sequences-per-step 4";

TEST(TrainThreaded, PrintsTheSameLossForAnyNumberOfWorkers) {
  const Answer alone = run(program + quick + " --workers 1");
  EXPECT_EQ(alone.status, 0) << alone.out;
  const std::string loss = word_after(alone.out, "loss ");
  EXPECT_GE(loss.size(), 10u) << alone.out;
  for (const char* workers : {"2", "63", "64 --contexts 4"}) {
    const Answer many = run(program + quick + " --workers " + workers);
    EXPECT_EQ(many.status, 0) << many.out;
    EXPECT_EQ(word_after(many.out, "loss "), loss) << workers << " workers\n" << many.out;
  }
  EXPECT_EQ(word_after(run(instrumented + quick + " --workers 2").out, "loss "), loss);
  EXPECT_NE(word_after(run(program + quick + " --seed 2").out, "loss "), loss);
}

TEST(TrainThreaded, StaysBelow200MegabytesWith64WorkersOnTheWholeText) {
  const Answer whole = run(program + " --workers 64 --contexts 2 --steps 1");
  EXPECT_EQ(whole.status, 0) << whole.out;
  EXPECT_NE(whole.out.find("5176084 parameters, vocabulary 788"), std::string::npos) << whole.out;
  const double peak = std::strtod(word_after(whole.out, "peak resident ").c_str(), nullptr);
  EXPECT_GT(peak, 100) << whole.out;
  EXPECT_LT(peak, 200) << whole.out;
}

TEST(TrainThreaded, AnswersAWrongCallWithOneLineAndStatus2) {
  for (const char* arguments :
       {"--worker 2", "--workers 0", "--workers 65", "--workers two", "--steps 0", "--iterations -1",
        "--sequences-per-step 0", "--sequences-per-step 2017", "--seed -1", "--text-megabytes 0",
        "--text-megabytes much", "--blas mkl", "--data /nowhere/text", "--data /", "--data /dev/null",
        "--contexts 65", "--text-megabytes 0.001 --steps 1 extra", "extra"}) {
    const Answer wrong = run(program + " " + arguments);
    EXPECT_EQ(wrong.status, 2) << arguments << ": " << wrong.out;
    EXPECT_EQ(std::count(wrong.out.begin(), wrong.out.end(), '\n'), 1) << arguments << ": " << wrong.out;
    EXPECT_EQ(wrong.out.substr(0, 16), "train_threaded: ") << wrong.out;
  }
}

TEST(TrainThreaded, ExplainsItself) {
  const Answer help = run(program + " --help");
  EXPECT_EQ(help.status, 0);
  for (const char* part : {"--workers", "--steps", "--iterations", "--sequences-per-step", "--seed",
                           "--text-megabytes", "--data", "--blas", "Example", "train_threaded --workers"})
    EXPECT_NE(help.out.find(part), std::string::npos) << part;
}

TEST(TrainThreaded, LearnsTheWordsOfAFile) {
  const std::string file = testing::TempDir() + "train_threaded_words.txt";
  std::FILE* out = std::fopen(file.c_str(), "w");
  for (int i = 0; i < 200; ++i) std::fputs("one two\nthree four ", out);
  std::fclose(out);
  const Answer words = run(program + " --steps 3 --sequences-per-step 2 --data " + file);
  EXPECT_EQ(words.status, 0) << words.out;
  EXPECT_NE(words.out.find("vocabulary 4, text of 800 words"), std::string::npos) << words.out;
  std::remove(file.c_str());
}

TEST(TrainThreaded, EndsAfterTheStepWhenInterrupted) {
  const std::string file = testing::TempDir() + "train_threaded_interrupted.txt";
  const Answer ended =
      run(program + " --text-megabytes 0.1 --steps 20 --workers 3 > " + file + " & p=$!; " +
          "until grep -q ^step " + file + "; do sleep 0.05; done; kill -INT $p; wait $p; s=$?; " + "cat " +
          file + "; exit $s");
  EXPECT_EQ(ended.status, 130) << ended.out;
  EXPECT_NE(ended.out.find("interrupted: step "), std::string::npos) << ended.out;
  EXPECT_NE(ended.out.find("peak resident"), std::string::npos) << ended.out;
  std::remove(file.c_str());
}

TEST(TrainThreaded, SaysThatMemoryIsMissingAndEnds) {
  const Answer starved = run("ulimit -v 120000; " + program + " --text-megabytes 0.1 --workers 2 --steps 1");
  EXPECT_EQ(starved.status, 3) << starved.out;
  EXPECT_NE(starved.out.find("train_threaded: out of memory\n"), std::string::npos) << starved.out;
}

}  // namespace
