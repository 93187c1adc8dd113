// Several defects at once, at other strengths than those of the scenarios: each is told apart, with its own
// place, slope and holder. Figures are the closed formulas of train_full --tiny: 46,307 parameters of 8
// bytes, chunks of 196,480 bytes, 11 operations with a node of 168 bytes each.
#include <gtest/gtest.h>

#include <fstream>
#include <ostream>
#include <string>
#include <vector>

#include "tests/end_to_end/command.h"

namespace leakhunt::end_to_end {
namespace {

struct Combination {
  std::string name;
  std::string defects;
  std::string more_arguments;  // a part of the list
  int iterations;
  std::vector<std::string> diagnoses;
};

void PrintTo(const Combination& combination, std::ostream* out) {
  *out << combination.name;
}

std::string diagnosis(const std::string& tag, const std::string& function, double bytes, double blocks,
                      const std::string& rest) {
  return "[[diagnosis]]\ntag = \"" + tag + "\"\nfunction = \"" + function +
         "\"\nbytes_per_iteration = " + std::to_string(bytes) +
         "\nblocks_per_iteration = " + std::to_string(blocks) + "\n" + rest + "\n";
}

const std::string kTape =
    diagnosis("tape.node", "Tape::new_node", 11 * 168, 11,
              "class = \"linear\"\nheld = \"still reachable\"\nholder = \"Node::previous\"");
const std::string kScratch =
    diagnosis("heap", "attention_backward", 32 * 32 * 8, 1, "held = \"definitely lost\"") +
    diagnosis("heap", "layer_norm_backward", 3 * 64 * 8, 3, "held = \"definitely lost\"") +
    diagnosis("heap", "cross_entropy", 35 * 8, 1, "held = \"definitely lost\"");

std::string arena(int chunks, const std::string& rest) {
  return diagnosis("arena.chunk", "Arena::new_chunk", 196'480.0 * chunks, chunks, rest);
}

std::string moments(const char* which) {
  return diagnosis(std::string("optimizer.") + which, "Adam::allocate_moments", 46'307 * 8, 1,
                   "held = \"definitely lost\"");
}

std::string checkpoints(int every) {
  return diagnosis("checkpoint", "CheckpointWriter", 65'536.0 / every, 1.0 / every,
                   "class = \"slow\"\nperiod = " + std::to_string(every) + "\nheld = \"definitely lost\"");
}

const std::vector<Combination>& combinations() {
  static const std::vector<Combination> all = {
      {"ArenaAndTape",
       "arena-unbounded+tape-retained",
       "",
       100,
       {arena(2, "held = \"still reachable\"\nholder = \"Arena::Chunk::next\""), kTape}},
      {"ChunksAndMoments",
       "arena-orphaned-chunks+optimizer-reallocates",
       "",
       70,
       {arena(2, "holder = \"Arena::Chunk::next\""), moments("m"), moments("v")}},
      {"RareCheckpointsScratchAndTape",
       "tape-retained+checkpoint-leaks+stray-heap",
       ", \"--checkpoint-every\", \"7\", \"--out\", \"{out}/checkpoints\"",
       150,
       {kTape, checkpoints(7), kScratch}},
      {"ArenaMomentsAndScratch",
       "arena-unbounded+optimizer-reallocates+stray-heap",
       "",
       60,
       {arena(2, "held = \"still reachable\""), moments("m"), moments("v"), kScratch}},
      {"SawtoothAndTape",
       "arena-cleanup-every-7+tape-retained",
       "",
       130,
       {"[[diagnosis]]\ntag = \"arena.chunk\"\nclass = \"sawtooth\"\nperiod = 7\n", kTape}},
      {"StepMomentsAndCheckpoints",
       "tape-capacity+optimizer-reallocates+checkpoint-leaks",
       ", \"--checkpoint-every\", \"3\", \"--out\", \"{out}/checkpoints\"",
       120,
       {"[[diagnosis]]\ntag = \"tape.node\"\nclass = \"step\"\npeak_bytes = 3696\n", moments("m"),
        moments("v"), checkpoints(3)}},
  };
  return all;
}

class Combinations : public testing::TestWithParam<Combination> {};

TEST_P(Combinations, AreToldApart) {
  const Combination& combination = GetParam();
  const TemporaryFolder folder;
  std::ofstream file(folder.file("combination.toml"));
  file << "program = \"train_full_instrumented\"\narguments = [\"--tiny\", \"--iterations\", \"{iterations}\""
       << combination.more_arguments << "]\niterations = " << combination.iterations
       << "\nwarm_up = 10\ndefect = \"" << combination.defects
       << "\"\n[budget]\ngrowth_per_iteration = \"0B\"\n[expect]\nverdict = \"fail\"\n";
  for (const std::string& each : combination.diagnoses) file << each;
  file.close();
  const Finished finished = run_command(LEAKHUNT_BIN "/leakhunt scenario " + folder.file("combination.toml") +
                                        " --out " + folder.file("out"));
  EXPECT_EQ(finished.exit_status, 1) << finished.out << finished.err;
  EXPECT_NE(finished.out.find("\nas expected: fail"), std::string::npos) << finished.out << finished.err;
}

INSTANTIATE_TEST_SUITE_P(OfDefects, Combinations, testing::ValuesIn(combinations()),
                         [](const auto& test) { return test.param.name; });

// A wrong part of a diagnosis is named, with what there is instead.
TEST(Diagnosis, AWrongPartIsNamedWithWhatThereIs) {
  const TemporaryFolder folder;
  std::ofstream file(folder.file("wrong.toml"));
  file << "program = \"train_full_instrumented\"\narguments = [\"--tiny\", \"--iterations\", "
          "\"{iterations}\"]\n"
          "iterations = 60\nwarm_up = 10\ndefect = \"tape-retained\"\n[expect]\nverdict = \"fail\"\n"
          "[[diagnosis]]\ntag = \"tape.node\"\nfile = \"arena.cpp\"\nclass = \"slow\"\nbytes_per_iteration = "
          "1800\n"
          "held = \"definitely lost\"\n[[diagnosis]]\ntag = \"arena.chunk\"\nbytes_per_iteration = 1\n";
  file.close();
  const Finished finished = run_command(LEAKHUNT_BIN "/leakhunt scenario " + folder.file("wrong.toml") +
                                        " --out " + folder.file("out"));
  for (const char* part :
       {"not as expected: the diagnosis is wrong: tag tape.node: file tape.cpp instead of arena.cpp",
        "class linear instead of slow", "bytes per iteration 1848 instead of 1800",
        "held still reachable instead of definitely lost", "tag arena.chunk: no finding"})
    EXPECT_NE(finished.out.find(part), std::string::npos) << part << "\n" << finished.out << finished.err;
}

}  // namespace
}  // namespace leakhunt::end_to_end
