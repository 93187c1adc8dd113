#include "scenarios/runner/watch.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/recording/appender.h"
#include "tests/scenarios/runner/scratch_directory.h"

namespace leakhunt::runner {
namespace {

using namespace std::chrono_literals;

class Watching : public testing::Test {
 protected:
  Watching() { EXPECT_TRUE(recording::create_recording(recording().string(), nullptr, {}).has_value()); }

  std::filesystem::path recording() const { return scratch_.path() / "recording.lhr"; }

  // Runs a program without any tracker under the watch.
  Watched watch_program(const std::string& program, std::vector<std::string> arguments,
                        GuardLimits limits = {}) {
    LaunchRequest what;
    what.program = program;
    what.command = {program};
    what.command.insert(what.command.end(), arguments.begin(), arguments.end());
    what.recording = recording();
    what.log = scratch_.path() / "target.log";
    SignalWatch signals;
    const auto target = launch(what);
    EXPECT_TRUE(target.has_value()) << target.error();
    Progress progress(STDERR_FILENO, ProgressStyle::kNone);
    const WatchRequest request{.name = "x", .recording = recording(), .limits = limits};
    return watch(*target, request, signals, progress);
  }

  Watched watch_shell(const std::string& script, GuardLimits limits = {}) {
    return watch_program("/bin/sh", {"-c", script}, limits);
  }

  ScratchDirectory scratch_;
};

TEST_F(Watching, SaysHowTheTargetEnded) {
  EXPECT_EQ(watch_shell("exit 0").outcome.exit_status, 0);
  EXPECT_EQ(watch_shell("exit 7").outcome.exit_status, 7);
  const Watched killed = watch_shell("kill -KILL $$");
  EXPECT_EQ(killed.outcome.signal, SIGKILL);
  EXPECT_EQ(killed.outcome.stopped_for, "");
  EXPECT_EQ(killed.interrupted_by, 0);
}

TEST_F(Watching, MeasuresTimeAndMemoryFromOutside) {
  const Watched watched = watch_program(LEAKHUNT_STEPS, {"4", "10000000", "100"});
  EXPECT_GE(watched.outcome.wall_ns, 400'000'000u);
  EXPECT_GE(watched.outcome.peak_rss_bytes, 40'000'000u);
  EXPECT_LT(watched.outcome.peak_rss_bytes, 60'000'000u);
  ASSERT_GE(watched.samples.size(), 2u);
  EXPECT_GT(watched.samples.back().rss_bytes, watched.samples.front().rss_bytes);
}

TEST_F(Watching, StopsATargetAtItsCeiling) {
  const Watched watched =
      watch_program(LEAKHUNT_STEPS, {"100", "10000000", "10"}, {.ceiling_bytes = 100'000'000, .timeout = {}});
  EXPECT_EQ(watched.outcome.signal, SIGTERM);
  EXPECT_NE(watched.outcome.stopped_for.find("passed the budget of 100 MB"), std::string::npos);
  EXPECT_LT(watched.outcome.peak_rss_bytes, 300'000'000u);
}

TEST_F(Watching, KillsATargetThatDoesNotListen) {
  const Watched watched = watch_program(LEAKHUNT_STEPS, {"200", "10000000", "10", "stubborn"},
                                        {.ceiling_bytes = 100'000'000, .timeout = {}});
  EXPECT_EQ(watched.outcome.signal, SIGKILL);
  EXPECT_LT(watched.outcome.peak_rss_bytes, 500'000'000u);
}

TEST_F(Watching, StopsATargetAtItsTimeout) {
  const Watched watched = watch_program("/bin/sleep", {"60"}, {.ceiling_bytes = {}, .timeout = 200ms});
  EXPECT_EQ(watched.outcome.signal, SIGTERM);
  EXPECT_NE(watched.outcome.stopped_for.find("timeout"), std::string::npos);
  EXPECT_LT(watched.outcome.wall_ns, 2'000'000'000u);
}

TEST_F(Watching, SendsOnWhatWasMeantForTheCommand) {
  const pid_t us = getpid();
  const pid_t sender = fork();
  if (sender == 0) {
    usleep(300'000);
    kill(us, SIGTERM);
    _exit(0);
  }
  const Watched watched = watch_program("/bin/sleep", {"60"});
  waitpid(sender, nullptr, 0);
  EXPECT_EQ(watched.interrupted_by, SIGTERM);
  EXPECT_EQ(watched.outcome.signal, SIGTERM);
  EXPECT_NE(watched.outcome.stopped_for.find("interrupted by SIGTERM"), std::string::npos);
}

}  // namespace
}  // namespace leakhunt::runner
