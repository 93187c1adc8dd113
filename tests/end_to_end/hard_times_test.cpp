// Never hurt the target: at unusual moments, and under limits that it sets itself.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "tests/end_to_end/command.h"

namespace leakhunt::end_to_end {
namespace {

// The same output and status as without us.
Recorded as_without_us(const std::string& how) {
  const Finished plain = run_command(target("hard_times ") + how);
  Recorded result = recorded(target("hard_times ") + how);
  EXPECT_EQ(result.finished.exit_status, plain.exit_status) << how << "\n" << result.finished.err;
  EXPECT_EQ(result.finished.out, plain.out) << how;
  return result;
}

TEST(HardTimes, BeforeMainAfterItAndInTheDestructorsOfThreads) {
  const Recorded result = as_without_us("early_and_late");
  EXPECT_EQ(result.finished.exit_status, 17);
  EXPECT_TRUE(result.run.complete());
}

TEST(HardTimes, WithEveryDescriptorClosedAndCovered) {
  const Recorded result = as_without_us("descriptors");
  EXPECT_EQ(result.finished.exit_status, 0);
  EXPECT_TRUE(result.run.complete());
  EXPECT_EQ(recording::clock_snapshots(result.run).size(), 501u);
}

TEST(HardTimes, UnderLimitsThatItSetsItselfWithNoSignalOfOurs) {
  const Recorded result = as_without_us("limits");  // stderr is a file that may not grow any more
  EXPECT_EQ(result.finished.exit_status, 30);
}

TEST(HardTimes, WithNobodyToReadItsStandardError) {
  const TemporaryFolder folder;
  // Tracking ends when the file may not grow: its line goes into a pipe that nobody reads.
  const Finished finished =
      run_command("( ulimit -f 600; LEAKHUNT_INTERVAL_MS=0 LEAKHUNT_RECORDING=" + folder.file("r.lhr") +
                  " LD_PRELOAD=" LEAKHUNT_LIBRARY_FILE " " + target("many_blocks stacks 20000") +
                  " 2>&1 >/dev/null; echo $? >" + folder.file("status") + " ) | true");
  EXPECT_EQ(finished.exit_status, 0);
  EXPECT_EQ(read_file(folder.file("status")), "0\n");
}

TEST(HardTimes, WithAFileOfItsOwnAsDescriptorTwo) {
  const TemporaryFolder folder;
  const Recorded result = recorded(target("hard_times data ") + folder.file("data"));
  EXPECT_EQ(result.finished.exit_status, 0);
  EXPECT_EQ(result.run.step_asides.size(), 1u);
  EXPECT_EQ(read_file(folder.file("data")), "data\n");
}

TEST(HardTimes, InAnEmptyDirectoryForGood) {
  if (geteuid() != 0) GTEST_SKIP() << "chroot is for root";
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.file("empty"));
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  as_without_us("chroot " + folder.file("empty"));
}

TEST(HardTimes, WithReadWriteAndExitOnly) {
  const Recorded result = as_without_us("seccomp");
  EXPECT_EQ(result.finished.exit_status, 5);
  EXPECT_NE(result.finished.err.find("leakhunt: tracking stopped: the program restricts its system calls"),
            std::string::npos)
      << result.finished.err;
  ASSERT_EQ(result.run.step_asides.size(), 1u);
  EXPECT_EQ(recording::clock_snapshots(result.run).size(), 1u);
}

TEST(HardTimes, WithHandlersThatMapOrNeverReturn) {
  for (const std::string how : {"jumps", "nested_maps"}) {
    const Finished plain = run_command(target("hard_times ") + how);
    const Recorded result = recorded(target("hard_times ") + how, "ulimit -t 10;");  // of waiting in vain
    EXPECT_EQ(result.finished.exit_status, 0) << how << "\n" << result.finished.err;
    EXPECT_EQ(result.finished.out, plain.out) << how;
    EXPECT_EQ(result.run.damage.note, "") << how;
  }
}

TEST(HardTimes, WithATimerWhoseHandlerAllocates) {
  const Recorded result = recorded(target("hard_times signals"), "", target("libsignal_safe_malloc.so"));
  EXPECT_EQ(result.finished.exit_status, 0) << result.finished.err;
  EXPECT_EQ(result.finished.out, "done\n");
  EXPECT_TRUE(result.run.complete());
  EXPECT_EQ(result.run.damage.note, "");
}

}  // namespace
}  // namespace leakhunt::end_to_end
