#include "scenarios/runner/launch.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>

#include "tests/scenarios/runner/scratch_directory.h"

namespace leakhunt::runner {
namespace {

// A library that is everywhere and does no harm, in the tracker's place.
constexpr const char* kHarmless = "libm.so.6";

class Launch : public testing::Test {
 protected:
  LaunchRequest request(const std::string& script) {
    LaunchRequest request;
    request.program = "/bin/sh";
    request.command = {"sh", "-c", script};
    request.recording = "/some/recording.lhr";
    request.tracker = kHarmless;
    request.log = scratch_.path() / "target.log";
    return request;
  }

  // The status of wait4, after the end.
  int run(const LaunchRequest& what) {
    const auto target = launch(what);
    EXPECT_TRUE(target.has_value()) << target.error();
    int status = 0;
    EXPECT_EQ(waitpid(target->pid, &status, 0), target->pid);
    return status;
  }

  // What the shell's script prints.
  std::string output_of(const LaunchRequest& what) {
    run(what);
    return content_of(what.log);
  }

  ScratchDirectory scratch_;
};

TEST_F(Launch, TheTargetFindsTheRecordingAndItsOwnNumber) {
  LaunchRequest what = request("echo $LEAKHUNT_RECORDING; test $LEAKHUNT_PID = $$ && echo mine");
  EXPECT_EQ(output_of(what), "/some/recording.lhr\nmine\n");
}

TEST_F(Launch, TheTrackerStandsBeforeAnExistingPreload) {
  setenv("LD_PRELOAD", "libdl.so.2", 1);
  EXPECT_EQ(output_of(request("echo $LD_PRELOAD")), "libm.so.6:libdl.so.2\n");
  LaunchRequest linked = request("echo $LD_PRELOAD");
  linked.tracker.clear();
  EXPECT_EQ(output_of(linked), "libdl.so.2\n");
  unsetenv("LD_PRELOAD");
  EXPECT_EQ(output_of(request("echo $LD_PRELOAD")), "libm.so.6\n");
}

TEST_F(Launch, DefectAndIntervalReachTheTarget) {
  LaunchRequest what = request("echo $LEAKHUNT_DEFECT $LEAKHUNT_INTERVAL_MS");
  what.defect = "tape-retained";
  what.interval = std::chrono::milliseconds(50);
  EXPECT_EQ(output_of(what), "tape-retained 50\n");
}

TEST_F(Launch, AnOuterDefectGoesIntoNoScenario) {
  setenv("LEAKHUNT_DEFECT", "stray-heap", 1);
  LaunchRequest what = request("echo defect=$LEAKHUNT_DEFECT");
  EXPECT_EQ(output_of(what), "defect=stray-heap\n");
  what.defect = "";
  EXPECT_EQ(output_of(what), "defect=\n");
  unsetenv("LEAKHUNT_DEFECT");
}

TEST_F(Launch, TheScenariosEnvironmentIsOverOurOwn) {
  setenv("LEAKHUNT_TEST_WORD", "ours", 1);
  LaunchRequest what = request("echo $LEAKHUNT_TEST_WORD $OTHER; env | grep -c ^LEAKHUNT_TEST_WORD=");
  what.environment = {{"LEAKHUNT_TEST_WORD", "its own"}, {"OTHER", "= and more"}};
  EXPECT_EQ(output_of(what), "its own = and more\n1\n");
  unsetenv("LEAKHUNT_TEST_WORD");
}

TEST_F(Launch, AScenarioHasALogAndNoInput) {
  EXPECT_EQ(output_of(request("echo out; echo err >&2; read x || echo end")), "out\nerr\nend\n");
}

TEST_F(Launch, SignalsAreAsAShellLeavesThem) {
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigprocmask(SIG_BLOCK, &blocked, &before);
  signal(SIGPIPE, SIG_IGN);
  const int terminated = run(request("kill -TERM $$; echo alive"));
  const int piped = run(request("kill -PIPE $$; echo alive"));
  signal(SIGPIPE, SIG_DFL);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  EXPECT_TRUE(WIFSIGNALED(terminated) && WTERMSIG(terminated) == SIGTERM);
  EXPECT_TRUE(WIFSIGNALED(piped) && WTERMSIG(piped) == SIGPIPE);
}

TEST_F(Launch, WhatCannotBeExecutedIsAnErrorAndNoTarget) {
  LaunchRequest what = request("");
  what.program = "/no/such/program";
  const auto target = launch(what);
  ASSERT_FALSE(target.has_value());
  EXPECT_EQ(target.error(), "/no/such/program cannot be started: No such file or directory");
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);  // no child is left

  LaunchRequest unwritable = request("");
  unwritable.log = "/no/such/target.log";
  EXPECT_FALSE(launch(unwritable).has_value());
}

}  // namespace
}  // namespace leakhunt::runner
