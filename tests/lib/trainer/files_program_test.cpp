// The programs with files: checkpoints, models, texts; as a person meets them.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/lib/trainer/answers.h"
#include "tests/scenarios/runner/scratch_directory.h"

namespace leakhunt::trainer {
namespace {

using runner::content_of;
using runner::ScratchDirectory;

bool says(const Answer& answer, const std::string& part) {
  return answer.out.find(part) != std::string::npos;
}

class FilesTest : public testing::Test {
 protected:
  // `command` in a folder of its own; TRAIN_FULL, TRAIN_V2 and GENERATE are variables.
  Answer in_folder(const std::string& command) const {
    return run("export TRAIN_FULL='" TRAIN_FULL "' TRAIN_V2='" TRAIN_V2 "' GENERATE='" GENERATE
               "' INSTRUMENTED='" TRAIN_FULL_INSTRUMENTED "'; cd " +
               folder.path().string() + " && " + command);
  }
  void expect_one_line(const std::string& command, int status, const std::string& part) const {
    const Answer answer = in_folder(command);
    EXPECT_EQ(answer.status, status) << command << "\n" << answer.out;
    EXPECT_EQ(lines(answer.out), 1) << command << "\n" << answer.out;
    EXPECT_TRUE(says(answer, part)) << command << "\n" << answer.out << "without: " << part;
  }
  std::string content(const std::string& name) const { return content_of(folder.path() / name); }
  bool exists(const std::string& name) const { return std::filesystem::exists(folder.path() / name); }

  ScratchDirectory folder;
};

TEST_F(FilesTest, ARunInChunksIsTheRun) {
  in_folder("$TRAIN_FULL --tiny --iterations 200 --out whole >whole.txt");
  const Answer chunks = in_folder(
      "$TRAIN_FULL --tiny --iterations 20 --out chunks && "
      "for end in 40 60 80 100 120 140 160 180; do "
      "$TRAIN_FULL --tiny --iterations $end --resume chunks/model.lhc --out chunks || exit; done; "
      "$TRAIN_FULL --tiny --iterations 200 --resume chunks/model.lhc --out chunks >chunks.txt");
  EXPECT_EQ(chunks.status, 0) << chunks.out;
  EXPECT_TRUE(content("whole/model.lhc") == content("chunks/model.lhc"));
  const auto end_of = [](std::string out) { return without_speeds(out.substr(out.find("---- sample"))); };
  EXPECT_EQ(end_of(content("whole.txt")), end_of(content("chunks.txt")));
}

TEST_F(FilesTest, AResumedRunKeepsSeedAndScheduleByItself) {
  in_folder(
      "$TRAIN_FULL --tiny --iterations 60 --seed 5 --schedule-iterations 70 --out whole --trace whole.tsv");
  in_folder(
      "$TRAIN_FULL --tiny --iterations 30 --seed 5 --schedule-iterations 70 --out half --checkpoint-every "
      "15");
  in_folder(
      "$TRAIN_FULL --tiny --iterations 60 --resume half/checkpoint-000015.lhc --out half --trace half.tsv");
  EXPECT_TRUE(content("whole/model.lhc") == content("half/model.lhc"));
  const std::string whole = content("whole.tsv");
  EXPECT_EQ(content("half.tsv").substr(content("half.tsv").find('\n')), whole.substr(whole.find("\n15\t")));
}

TEST_F(FilesTest, WithoutOutNothingIsWritten) {
  EXPECT_EQ(in_folder("$TRAIN_FULL --tiny --iterations 10").status, 0);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  const Answer told = in_folder("$TRAIN_FULL --tiny --iterations 10 --checkpoint-every 5");
  EXPECT_TRUE(says(told, "without --out DIR the checkpoints go to ./checkpoints")) << told.out;
  for (const char* name : {"checkpoint-000005.lhc", "checkpoint-000010.lhc", "model.lhc"}) {
    EXPECT_TRUE(exists(std::string("checkpoints/") + name)) << name;
  }
}

TEST_F(FilesTest, AnInterruptedRunSaysHowToGoOnAndDoes) {
  const std::string far = "1000000";
  for (const auto& [signal, status] : {std::pair{"INT", 130}, std::pair{"TERM", 143}}) {
    const Answer stopped = in_folder(
        "rm -rf 'in pieces' said.txt; $TRAIN_FULL --tiny --out 'in pieces' --iterations " + far +
        " >said.txt 2>&1 & until grep -qs 'iteration    100' said.txt; do sleep 0.01; done; kill -" + signal +
        " $!; wait $!");
    const std::string said = content("said.txt");
    EXPECT_EQ(stopped.status, status) << said;
    const std::size_t at = said.find("go on with: ");
    ASSERT_NE(at, std::string::npos) << said;
    // The command as it is shown, but not so far.
    std::string command = said.substr(at + 12);
    const auto done = std::stoull(said.substr(said.find("interrupted after ") + 18));
    const std::string end = std::to_string(done + 50);
    command.replace(command.find(far), far.size(), end);
    const Answer resumed = in_folder(command);
    EXPECT_EQ(resumed.status, 0) << resumed.out;
    in_folder("$TRAIN_FULL --tiny --out whole --iterations " + end);
    EXPECT_TRUE(content("whole/model.lhc") == content("in pieces/model.lhc")) << command;
  }
}

TEST_F(FilesTest, AnInterruptedRunWithoutOutSaysThatNothingIsKept) {
  const Answer stopped = in_folder("timeout -s INT 0.5 $TRAIN_FULL --tiny --iterations 1000000");
  EXPECT_TRUE(says(stopped, "nothing is kept of them without --out DIR")) << stopped.out;
}

TEST_F(FilesTest, ACheckpointThatDoesNotBelongIsRefusedInOneLine) {
  in_folder("$TRAIN_FULL --tiny --iterations 10 --out a; $TRAIN_V2 3 --out v2");
  folder.write("other.txt", "to be or not to be, that is the question of all questions\n");
  const std::string go_on = "$TRAIN_FULL --iterations 20 --resume a/model.lhc ";
  expect_one_line(go_on + "--small", 2, "use --tiny");
  expect_one_line(go_on + "--tiny --precision f32", 2, "use --precision f64");
  expect_one_line(go_on + "--tiny --data other.txt", 2, "another text");
  expect_one_line(go_on + "--tiny --seed 2", 2, "use --seed 1");
  expect_one_line(go_on + "--tiny --schedule-iterations 100", 2, "use --schedule-iterations 2000");
  expect_one_line("$TRAIN_FULL --tiny --iterations 10 --resume a/model.lhc", 2, "N above 10");
  expect_one_line("$TRAIN_FULL --tiny --iterations 10 --resume v2/model.lhc", 2, "use train_v2");
  expect_one_line("head -c 5000 a/model.lhc >cut.lhc; $TRAIN_FULL --tiny --resume cut.lhc", 2,
                  "cut.lhc is cut off");
  expect_one_line(
      "cp a/model.lhc bad.lhc; printf x | dd of=bad.lhc bs=1 seek=900000 conv=notrunc status=none; "
      "$TRAIN_FULL --tiny --resume bad.lhc",
      2, "bad.lhc is damaged");
  expect_one_line("cp \"$TRAIN_FULL\" foreign; $TRAIN_FULL --tiny --resume foreign", 2, "is no checkpoint");
}

TEST_F(FilesTest, AFullDiskEndsTheRunInOneLineAndKeepsTheLastCheckpoint) {
  const Answer full = in_folder(
      "trap '' XFSZ; $TRAIN_FULL --tiny --iterations 10 --out a >/dev/null; "
      "ulimit -f 500; $TRAIN_FULL --tiny --iterations 20 --resume a/model.lhc --out a >/dev/null");
  EXPECT_EQ(full.status, 3) << full.out;
  EXPECT_EQ(lines(full.out), 1) << full.out;
  EXPECT_TRUE(says(full, "a/model.lhc: the checkpoint cannot be written")) << full.out;
  EXPECT_FALSE(exists("a/model.lhc.tmp"));
  EXPECT_EQ(in_folder("$TRAIN_FULL --tiny --iterations 20 --resume a/model.lhc").status, 0);
}

TEST_F(FilesTest, TrainsOnATextOfItsOwn) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "Grüße, 世界 – good day.\n";
  folder.write("text.txt", text);
  const Answer trained = in_folder("$TRAIN_FULL --tiny --data text.txt --iterations 300 --out a");
  EXPECT_EQ(trained.status, 0) << trained.out;
  const Answer written = in_folder("$GENERATE a/model.lhc --prompt 'Grüße, ' --length 5 --temperature 0");
  EXPECT_EQ(written.out.substr(0, 9), "Grüße, ") << written.out;
}

TEST_F(FilesTest, ModesThatWantAFileSaySoAndUseTheBuiltInText) {
  const Answer medium = in_folder("$TRAIN_FULL --medium --iterations 1");
  EXPECT_EQ(medium.status, 0) << medium.out;
  EXPECT_TRUE(says(medium, "scripts/get-data")) << medium.out;
  EXPECT_TRUE(says(medium, "text of 432 characters")) << medium.out;
}

TEST_F(FilesTest, TheModelWritesTheSameTextWithTheSameSeed) {
  for (const char* precision : {"f32", "f64"}) {
    in_folder(std::string("$TRAIN_FULL --tiny --iterations 50 --out a --precision ") + precision);
    const std::string call = "$GENERATE a/model.lhc --prompt 'But thou' --length 100 --seed ";
    const Answer one = in_folder(call + "3");
    EXPECT_EQ(one.status, 0) << one.out;
    EXPECT_EQ(one.out.size(), 8 + 100 + 1u) << one.out;
    EXPECT_EQ(one.out, in_folder(call + "3").out);
    EXPECT_NE(one.out, in_folder(call + "4").out);
  }
}

TEST_F(FilesTest, TheModelAnswersEachLineOfAPipe) {
  in_folder("$TRAIN_FULL --tiny --iterations 5 --out a");
  const Answer answer = in_folder(
      "printf 'But\\n\\n~\\nthou' | $GENERATE a/model.lhc --interactive --length 10 --temperature 0 "
      "2>complaint");
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(lines(content("complaint")), 1);
  EXPECT_NE(content("complaint").find("'~'"), std::string::npos);
  EXPECT_EQ(answer.out.substr(0, 3), "But");
  EXPECT_NE(answer.out.find("\nthou"), std::string::npos) << answer.out;
}

TEST_F(FilesTest, GenerateAnswersAWrongCallWithOneLineAndStatus2) {
  in_folder("$TRAIN_FULL --tiny --iterations 2 --out a; head -c 99999 a/model.lhc >cut.lhc");
  for (const auto& [arguments, part] :
       {std::pair{"", "model is required"}, std::pair{"a/model.lhc", "--prompt TEXT"},
        std::pair{"nowhere.lhc --prompt a", "nowhere.lhc: cannot be opened"},
        std::pair{"a --prompt a", "a folder"}, std::pair{"cut.lhc --prompt a", "cut off"},
        std::pair{"a/model.lhc --prompt 4711", "no character '4'"},
        std::pair{"a/model.lhc --prompt a --length 0", "--length"},
        std::pair{"a/model.lhc --prompt a --temperature -1", "--temperature"},
        std::pair{"a/model.lhc --prompt a --interactive", "--prompt TEXT"}}) {
    expect_one_line(std::string("$GENERATE ") + arguments, 2, part);
  }
}

// A download that brings something else is not kept; what a network would bring stands behind a curl of ours.
TEST_F(FilesTest, GetDataKeepsTheRightTextOnly) {
  folder.write("curl", "#!/bin/sh\nwhile [ \"$1\" != --output ]; do shift; done; echo wrong >\"$2\"\n", 0755);
  const std::string get_data = "LEAKHUNT_DATA_DIR=$PWD/data PATH=$PWD:$PATH '" SCRIPTS "/get-data'";
  expect_one_line(get_data, 3, "is another text");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path() / "data"));
  folder.write("curl", "#!/bin/sh\nexit 6\n", 0755);
  expect_one_line(get_data, 3, "is there a network?");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path() / "data"));
  expect_one_line(get_data + " again", 2, "usage");
}

TEST_F(FilesTest, V2IsABlockOfAttention) {
  const Answer v2 = in_folder("$TRAIN_V2 20");
  EXPECT_EQ(v2.status, 0) << v2.out;
  EXPECT_TRUE(says(v2, "v2: 290851 parameters, vocabulary 35, text of 431 characters, 20 iterations"))
      << v2.out;
  expect_one_line("$TRAIN_V2 many", 2, "train_v2: ");
  expect_one_line("$TRAIN_V2 0", 2, "train_v2: ");
}

// It costs no bytes, so no recording shows it; this comparison does.
TEST_F(FilesTest, ARunThatLosesItsMomentsIsAnotherRun) {
  const std::string train = "LEAKHUNT_DEFECT=resume-loses-moments $INSTRUMENTED --tiny ";
  in_folder("$INSTRUMENTED --tiny --iterations 60 --trace healthy.tsv");
  in_folder(train + "--iterations 30 --out a; " + train +
            "--iterations 60 --resume a/model.lhc --trace broken.tsv");
  in_folder(
      "$INSTRUMENTED --tiny --iterations 30 --out b; "
      "$INSTRUMENTED --tiny --iterations 60 --resume b/model.lhc --trace resumed.tsv");
  const std::string healthy = content("healthy.tsv");
  const std::string tail = healthy.substr(healthy.find("\n30\t"));
  const auto lines_of = [&](const char* name) { return content(name).substr(content(name).find('\n')); };
  EXPECT_EQ(lines_of("resumed.tsv"), tail);
  EXPECT_NE(lines_of("broken.tsv"), tail);
  EXPECT_EQ(lines_of("broken.tsv").substr(0, 5), tail.substr(0, 5)) << "it goes on, and nobody notices";
}

}  // namespace
}  // namespace leakhunt::trainer
