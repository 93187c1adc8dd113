// Never hurt the target, and lose nothing that was recorded.
#include <errno.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "lib/recording/reader.h"
#include "tests/end_to_end/command.h"

namespace leakhunt::end_to_end {
namespace {

using recording::EndKind;
using recording::Run;

TEST(Target, EndsAsItWouldWithoutUs) {
  struct Case {
    const char* how;
    int exit_status;
    bool complete;
  };
  for (const Case& c :
       {Case{"exit 3", 3, true}, Case{"_exit 4", 4, true}, Case{"quick_exit 5", 5, true},
        Case{"abort", 128 + SIGABRT, false}, Case{"segv", 128 + SIGSEGV, false}, Case{"fork", 0, true},
        Case{"vfork_exec", 0, true}, Case{"exec_fails", 23, true}, Case{"return_after_threads", 0, true}}) {
    const Recorded result = recorded(target("process_ends ") + c.how);
    EXPECT_EQ(result.finished.exit_status, c.exit_status) << c.how << "\n" << result.finished.err;
    EXPECT_EQ(result.run.complete(), c.complete) << c.how;
    EXPECT_EQ(recording::clock_snapshots(result.run).size(), 1u) << c.how;
    EXPECT_EQ(result.run.damage.note, "") << c.how;
    EXPECT_EQ(result.finished.err, "") << c.how;
  }
}

TEST(Target, IsRecordedAcrossExecWithTheLastImageDescribed) {
  const Recorded result = recorded(target("process_ends exec ") + target("process_ends exit 9"));
  EXPECT_EQ(result.finished.exit_status, 9);
  EXPECT_GE(result.run.images, 2u);
  ASSERT_GE(result.run.process.command_line.size(), 3u);
  EXPECT_EQ(result.run.process.command_line[1], "exit");
}

TEST(Target, SeesNothingOfUs) {
  const Finished plain = run_command(target("hidden_tracker"));
  const Recorded result = recorded(target("hidden_tracker"));
  EXPECT_EQ(result.finished.out, plain.out);
  EXPECT_EQ(result.finished.exit_status, plain.exit_status);
  // It closed every descriptor it could, and was recorded on.
  EXPECT_EQ(recording::clock_snapshots(result.run).size(), 2000u);
}

TEST(Target, GoesOnWhenTheFileMayNotGrow) {
  const Recorded result =
      recorded(target("random_mix 1 40 2000"), "ulimit -f 600;");  // blocks of 512 bytes in sh
  EXPECT_EQ(result.finished.exit_status, 0);
  EXPECT_NE(result.finished.err.find("leakhunt: tracking stopped: cannot extend the recording"),
            std::string::npos)
      << result.finished.err;
  ASSERT_EQ(result.run.step_asides.size(), 1u);
  EXPECT_EQ(result.run.step_asides[0].error, EFBIG);
  EXPECT_GT(result.run.snapshots.size(), 0u);
}

TEST(Target, GoesOnWithoutARecordingItCannotOpen) {
  const Finished finished =
      run_command("env LEAKHUNT_RECORDING=/nowhere/at/all.lhr LD_PRELOAD=" LEAKHUNT_LIBRARY_FILE " " +
                  target("process_ends exit 3"));
  EXPECT_EQ(finished.exit_status, 3);
  EXPECT_NE(finished.err.find("leakhunt: nothing is recorded: /nowhere/at/all.lhr: No such file"),
            std::string::npos)
      << finished.err;
}

TEST(Target, GoesOnUnderALimitOfItsAddressSpace) {
  for (const char* kilobytes : {"20000", "60000", "200000"}) {
    const std::string limit = "ulimit -v " + std::string(kilobytes) + ";";
    const Finished plain = run_command("( " + limit + target("steady_leak 2000") + " )");
    ASSERT_EQ(plain.exit_status, 0) << limit;
    const TemporaryFolder folder;
    const Finished finished =
        run_command("( " + limit + " LEAKHUNT_RECORDING=" + folder.file("r.lhr") +
                    " LD_PRELOAD=" LEAKHUNT_LIBRARY_FILE " exec " + target("steady_leak 2000") + " )");
    EXPECT_EQ(finished.exit_status, 0) << limit << finished.err;
    EXPECT_EQ(finished.out, plain.out) << limit;
  }
}

TEST(Recording, OfAKilledTargetReadsUpToItsLastCompletedIteration) {
  const TemporaryFolder folder;
  const std::string path = folder.file("recording.lhr");
  for (const useconds_t after : {20'000u, 100'000u, 250'000u}) {
    unlink(path.c_str());
    const pid_t child = fork();
    if (child == 0) {
      setenv("LEAKHUNT_RECORDING", path.c_str(), 1);
      setenv("LD_PRELOAD", LEAKHUNT_LIBRARY_FILE, 1);
      const std::string program = target("steady_leak");
      execl(program.c_str(), program.c_str(), "1000000000", static_cast<char*>(nullptr));
      _exit(127);
    }
    usleep(after);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    const auto run = recording::read_recording(path);
    if (!run) continue;  // killed before it began
    EXPECT_FALSE(run->complete());
    EXPECT_EQ(run->damage.damaged_bytes, 0u);
    EXPECT_EQ(run->damage.lost_snapshots, 0u);
    const auto clock = recording::clock_snapshots(*run);
    for (size_t i = 0; i < clock.size(); ++i) ASSERT_EQ(run->snapshots[clock[i]].iteration, i);
    if (after >= 100'000) {
      EXPECT_GT(clock.size(), 100u);
    }
  }
}

}  // namespace
}  // namespace leakhunt::end_to_end
