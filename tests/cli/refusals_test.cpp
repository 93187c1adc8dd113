// What cannot be recorded is refused before it is started, or said in the report: never a report that looks
// like health.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/cli/command_line.h"

namespace leakhunt::cli {
namespace {

namespace fs = std::filesystem;

void expect_refused(const CommandLine& command, const std::string& program, const std::string& because) {
  const Called called = command.call("run -- " + program);
  EXPECT_EQ(called.status, 2) << program;
  EXPECT_EQ(called.out, "") << program;
  EXPECT_TRUE(contains(called.err, because)) << program << ": " << called.err;
  EXPECT_EQ(std::count(called.err.begin(), called.err.end(), '\n'), 1) << called.err;
  EXPECT_FALSE(command.has("out/" + fs::path(program).filename().string() + "/report.txt")) << program;
}

TEST(Refusal, OfWhatCannotBeStarted) {
  const CommandLine command;
  command.scratch().write("plain", "#!/bin/sh\n", 0644);
  command.scratch().write("text", "hello\n", 0755);
  command.scratch().write("orphan", "#!/no/such/shell\n", 0755);
  expect_refused(command, "./absent", "./absent is not there");
  expect_refused(command, "no_such_program", "was not found on PATH");
  expect_refused(command, "./plain", "may not be executed: chmod +x");
  expect_refused(command, "./text", "neither an ELF program nor a script");
  expect_refused(command, "./orphan", "its interpreter \"/no/such/shell\" is not there");
}

TEST(Refusal, OfStaticProgramsAndOfScriptsForThem) {
  const CommandLine command;
  const std::string why =
      "is statically linked, so the tracker cannot be loaded into it: link it dynamically";
  command.scratch().write("script", std::string("#!") + LEAKHUNT_STATIC_PROGRAM + "\n", 0755);
  command.scratch().write("script_of_script", "#!" + (command.path() / "script").string() + "\n", 0755);
  expect_refused(command, LEAKHUNT_STATIC_PROGRAM, why);
  expect_refused(command, "./script", why);
  expect_refused(command, "./script_of_script", why);
}

TEST(Refusal, OfProgramsForAnotherLoader) {
  const CommandLine command;
  const std::string ours = "/lib64/ld-linux-x86-64.so.2";
  for (const auto& [loader, why] :
       {std::pair{"/lib/ld-musl-x86_64.so.1", "is linked with musl"},
        {"/system/bin/linker64", "another C library (its loader is /system/bin/linker64)"},
        {"/lib64/ld-linux-other.so.2", "needs the loader /lib64/ld-linux-other.so.2"}}) {
    std::string bytes = runner::content_of(LEAKHUNT_STEPS);
    const size_t at = bytes.find(ours);
    ASSERT_NE(at, std::string::npos);
    std::string padded = loader;
    padded.resize(ours.size());
    bytes.replace(at, ours.size(), padded);
    command.scratch().write("foreign", bytes, 0755);
    expect_refused(command, "./foreign", why);
  }
}

TEST(Refusal, OfProgramsThatGainPrivileges) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make a setuid program of somebody else";
  const CommandLine command;
  const fs::path program = command.scratch().write("setuid", runner::content_of(LEAKHUNT_STEPS), 0755);
  command.scratch().write("script", "#!" + program.string() + "\n", 0755);
  for (const mode_t mode : {mode_t{04755}, mode_t{02755}}) {
    ASSERT_EQ(chown(program.c_str(), 65534, 65534), 0);
    ASSERT_EQ(chmod(program.c_str(), mode), 0);
    expect_refused(command, "./setuid", "gains privileges when it starts");
    expect_refused(command, "./script", "gains privileges when it starts");
  }
}

TEST(Refusal, NotOfAScriptWhoseOwnRightsTheKernelIgnores) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make a setuid script of somebody else";
  const CommandLine command;
  const fs::path script = command.scratch().write("script", "#!/bin/sh\nexit 0\n", 0755);
  ASSERT_EQ(chown(script.c_str(), 65534, 65534), 0);
  ASSERT_EQ(chmod(script.c_str(), 04755), 0);
  EXPECT_EQ(command.call("run -- ./script").status, 0);
}

// Every way into a program that the tracker cannot be in.
TEST(NotRecorded, AProgramThatGoesOnAsAStaticOneIsInconclusive) {
  const CommandLine command;
  for (const std::string program :
       {"sh -c 'exec " LEAKHUNT_STATIC_PROGRAM "'", "env " LEAKHUNT_STATIC_PROGRAM,
        "sh -c 'exec env " LEAKHUNT_STATIC_PROGRAM "'"}) {
    const Called called = command.call("run --out out/chain -- " + program);
    EXPECT_EQ(called.status, 4) << program << called.err;
    EXPECT_TRUE(contains(called.err, "leakhunt: inconclusive: the program went on as")) << called.err;
    const std::string report = unwrapped(command.file("out/chain/report.txt"));
    // A long path is shortened in the middle.
    EXPECT_TRUE(contains(report, "the program went on as /")) << report;
    EXPECT_TRUE(contains(report, "runner_static_program (exec), and the tracker did not start in it"))
        << report;
    EXPECT_TRUE(contains(report, "is statically linked")) << report;
    EXPECT_EQ(command.call("report out/chain").status, 4);
  }
}

TEST(NotRecorded, AnExecThatFailsChangesNothing) {
  const CommandLine command;
  const Called called = command.call("run --out out/chain -- sh -c 'exec /no/such/program || exit 0'");
  EXPECT_FALSE(contains(command.file("out/chain/report.txt"), "went on as")) << called.err;
}

TEST(NotRecorded, AnEndThatTheTrackerDidNotSeeIsInconclusive) {
  const CommandLine command;
  const Called called = command.call("run -- perl -e 'syscall(231, 0)'");  // exit_group on x86-64
  EXPECT_EQ(called.status, 4) << called.err;
  EXPECT_TRUE(contains(called.err, "inconclusive: the recording ends before the program did")) << called.err;
}

TEST(NotRecorded, WithoutTheTrackersFirstWordThereIsNoHealth) {
  const CommandLine command;
  const Called called = command.call("run -- true", "LEAKHUNT_LIBRARY=" LEAKHUNT_OTHER_LIBRARY " ");
  EXPECT_EQ(called.status, 4);
  EXPECT_TRUE(contains(called.err, "inconclusive: nothing was recorded")) << called.err;
  const std::string report = command.file("out/true/report.txt");
  EXPECT_TRUE(report.starts_with("INCONCLUSIVE")) << report;
  EXPECT_TRUE(contains(unwrapped(report), "nothing was recorded: the tracker did not start in the program"))
      << report;
  EXPECT_TRUE(contains(command.file("out/true/report.json"), "\"verdict\": \"inconclusive\""));
  const Called again = command.call("report out/true");
  EXPECT_EQ(again.status, 4);
  EXPECT_EQ(again.out, report);
}

}  // namespace
}  // namespace leakhunt::cli
