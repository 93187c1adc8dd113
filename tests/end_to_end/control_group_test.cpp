// In a control group with a limit: what the program gets by with alone, it gets by with under the tracker.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "tests/end_to_end/command.h"

namespace leakhunt::end_to_end {
namespace {

namespace fs = std::filesystem;

// A group of the test's own below the one with the memory, where one may be made.
class LimitedGroup {
 public:
  explicit LimitedGroup(size_t megabytes) {
    const bool version_1 = fs::exists("/sys/fs/cgroup/memory/memory.limit_in_bytes");
    const std::string above = version_1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
    path_ = above + "/leakhunt-test-" + std::to_string(getpid());
    std::error_code error;
    if (!fs::create_directory(path_, error) || error) return;
    made_ = true;
    std::ofstream limit(path_ + (version_1 ? "/memory.limit_in_bytes" : "/memory.max"));
    limit << megabytes * 1'000'000 << std::flush;
    usable_ = limit.good();
    std::ofstream(path_ + "/memory.swap.max") << 0;
  }
  ~LimitedGroup() {
    std::error_code error;
    for (int tries = 0; made_ && tries < 200 && !fs::remove(path_, error); ++tries)  // the last one is ending
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  LimitedGroup(const LimitedGroup&) = delete;
  LimitedGroup& operator=(const LimitedGroup&) = delete;

  bool usable() const { return usable_; }
  // In front of a command: whoever reads it goes into the group.
  std::string enter() const { return "echo 0 > " + path_ + "/cgroup.procs && "; }

 private:
  std::string path_;
  bool made_ = false;
  bool usable_ = false;
};

Finished run_within(size_t megabytes, const std::string& command_line) {
  const LimitedGroup group(megabytes);
  if (!group.usable()) return {-1, "", ""};
  return run_command("( " + group.enter() + command_line + " )");
}

constexpr char kSkipped[] = "no control group with a limit on memory can be made here";

TEST(ControlGroupLimit, FourMegabytesMoreAreEnoughForTheTrackerWhateverTheProgramDoes) {
  const TemporaryFolder folder;
  for (const char* what : {"fills 40 1", "fills 40 4", "at_once 40", "maps 40", "forks 40"}) {
    const std::string program = target(std::string("short_memory ") + what);
    const Finished plain = run_within(42, program);
    if (plain.exit_status == -1) GTEST_SKIP() << kSkipped;
    ASSERT_EQ(plain.exit_status, 0) << what;
    const std::string ours = "LEAKHUNT_INTERVAL_MS=10 LEAKHUNT_PROCESSES=" + folder.file("processes") +
                             " LEAKHUNT_RECORDING=" + folder.file("r.lhr") +
                             " LD_PRELOAD=" LEAKHUNT_LIBRARY_FILE " " + program;
    const Finished within = run_within(46, ours);
    EXPECT_EQ(within.exit_status, 0) << what << within.err;
    EXPECT_EQ(within.out, plain.out) << what;
    fs::remove(folder.file("r.lhr"));
  }
}

TEST(ControlGroupLimit, WithRoomToSpareNothingIsLeftOut) {
  const TemporaryFolder folder;
  const LimitedGroup group(400);
  if (!group.usable()) GTEST_SKIP() << kSkipped;
  const Recorded result = recorded(target("short_memory fills 40 1"), group.enter());
  EXPECT_EQ(result.finished.exit_status, 0) << result.finished.err;
  EXPECT_TRUE(result.run.sampling.empty());
  EXPECT_TRUE(result.run.step_asides.empty());
}

TEST(ControlGroupLimit, TheReportNamesIt) {
  const TemporaryFolder folder;
  const LimitedGroup group(60);
  if (!group.usable()) GTEST_SKIP() << kSkipped;
  const Finished run = run_command("( " + group.enter() + LEAKHUNT_BIN "/leakhunt run --out " +
                                   folder.path() + " -- " + target("many_blocks live 1000000") + " )");
  ASSERT_NE(run.err.find("ended with status 0"), std::string::npos) << run.err;
  EXPECT_NE(read_file(folder.file("report.json")).find("the control group's limit of 60"), std::string::npos);
  const Finished again = run_command(LEAKHUNT_BIN "/leakhunt report --format json " + folder.path());
  EXPECT_NE(again.out.find("\"group_limit_bytes\": 5999"), std::string::npos);
}

}  // namespace
}  // namespace leakhunt::end_to_end
