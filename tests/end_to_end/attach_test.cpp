// leakhunt attach: it finds what grows in a program that runs already, and the program notices nothing.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include <nlohmann/json.hpp>

#include "lib/recording/reader.h"
#include "tests/end_to_end/command.h"
#include "tests/end_to_end/running_target.h"

namespace leakhunt::end_to_end {
namespace {

constexpr int kAllRight = 7;  // of is_attached_to

class Attach : public testing::Test {
 protected:
  void SetUp() override {
    if (std::string why; !may_trace(&why)) GTEST_SKIP() << why;
  }

  Finished attach(const RunningTarget& target, const std::string& options) {
    return run_command(attach_command(target.pid(), options, out()));
  }
  std::string out() const { return folder_.file("out"); }
  std::string report() const { return read_file(out() + "/report.txt"); }

  TemporaryFolder folder_;
};

TEST_F(Attach, FindsTheFunctionThatGrowsAndSaysWhatWasThereBefore) {
  RunningTarget leaky({target("is_attached_to"), "leaks"});
  const Finished attached = attach(leaky, "--for 1500ms --interval 20");
  EXPECT_EQ(attached.exit_status, 4) << attached.err;  // a growth without iterations is no verdict
  const auto json = nlohmann::json::parse(read_file(out() + "/report.json"));
  ASSERT_GE(json["findings"].size(), 1u) << report();
  EXPECT_NE(json["findings"][0]["function"].get<std::string>().find("grow_later"), std::string::npos)
      << report();
  EXPECT_EQ(json["findings"].size(), 1u) << report();
  EXPECT_GE(json["attached"]["heap_bytes_before"], 1'000'000);
  EXPECT_LT(json["attached"]["heap_bytes_before"], 3'000'000);
  EXPECT_TRUE(json["attached"]["program_goes_on"]);
  EXPECT_NE(report().find("before attach "), std::string::npos) << report();
  EXPECT_NE(report().find("in use in the heap, no call sites known"), std::string::npos) << report();
  leaky.tell();
  EXPECT_EQ(leaky.end(), kAllRight);
}

TEST_F(Attach, LeavesAProgramOfManyThreadsAsItWasTwentyTimes) {
  RunningTarget threads({target("is_attached_to"), "threads", "7"});
  const auto mapped_files = [&] { return read_file("/proc/" + std::to_string(threads.pid()) + "/maps"); };
  const std::string before = threads.surroundings();
  for (int round = 0; round < 20; ++round) {
    const Finished attached = attach(threads, "--for 10ms");
    ASSERT_EQ(attached.exit_status, 0) << round << attached.err;
    ASSERT_TRUE(threads.is_running()) << round;
    ASSERT_EQ(mapped_files().find("recording.lhr"), std::string::npos) << round;
  }
  // Signals come all the time: one may be just pending.
  const auto without_pending = [](std::string text) {
    for (const char* name : {"SigPnd", "SigBlk"}) {
      const size_t at = text.find(name);
      text.erase(at, text.find('\n', at) - at);
    }
    return text;
  };
  EXPECT_EQ(without_pending(threads.surroundings()), without_pending(before));
  const auto run = recording::read_recording(out() + "/recording.lhr");
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->end, recording::EndKind::kDetached);
  EXPECT_EQ(run->damage.note, "");
  threads.tell();
  EXPECT_EQ(threads.end(), kAllRight);
}

TEST_F(Attach, CountsWhatIsFreedOfTheTimeBefore) {
  RunningTarget threads({target("is_attached_to"), "threads", "3"});
  EXPECT_EQ(attach(threads, "--for 1s --interval 20").exit_status % 4, 0);
  const auto run = recording::read_recording(out() + "/recording.lhr");
  ASSERT_TRUE(run.has_value());
  ASSERT_TRUE(run->attached.has_value());
  // Four threads keep at most 200 blocks each, and replace all of them in no time.
  EXPECT_GT(run->attached->foreign_frees, 400u);
  EXPECT_LE(run->attached->foreign_frees, 804u);
  threads.tell();
  EXPECT_EQ(threads.end(), kAllRight);
}

TEST_F(Attach, DisturbsNoSystemCallThatAThreadWaitsIn) {
  for (const char* where : {"read", "poll", "epoll", "pause", "sigsuspend"}) {
    RunningTarget waiting({target("is_attached_to"), "waits", where});
    waiting.wait_until_it_waits();
    const std::string before = waiting.surroundings();
    const Finished attached = attach(waiting, "--for 10ms");
    EXPECT_EQ(attached.exit_status, 0) << where << attached.err;
    EXPECT_EQ(waiting.surroundings(), before) << where;
    EXPECT_TRUE(waiting.is_running()) << where;
    const std::string kind = where;
    if (kind == "pause" || kind == "sigsuspend") {
      kill(waiting.pid(), SIGUSR1);
    } else {
      waiting.tell();
    }
    EXPECT_EQ(waiting.end(), kAllRight) << where << ": " << waiting.output();
  }
}

TEST_F(Attach, LetsASleepLastAsLongAsItWould) {
  RunningTarget sleep({target("is_attached_to"), "waits", "sleep"});
  RunningTarget condition({target("is_attached_to"), "waits", "futex"});
  for (RunningTarget* waiting : {&sleep, &condition})
    EXPECT_EQ(attach(*waiting, "--for 10ms").exit_status, 0);
  EXPECT_EQ(sleep.end(), kAllRight) << sleep.output();
  EXPECT_EQ(condition.end(), kAllRight) << condition.output();
}

// At any moment, from before the first stop to after the last; and the next comes when the program is perhaps
// still in the middle of what the one before had begun.
TEST_F(Attach, LeavesTheProgramUnhurtWhenItIsKilled) {
  RunningTarget threads({target("is_attached_to"), "threads", "3"});
  for (useconds_t after = 20'000; after < 220'000; after += 20'000) {
    const std::string pid = std::to_string(threads.pid());
    const pid_t attacher = fork();
    if (attacher == 0) {
      const std::string log = folder_.file("log");
      freopen(log.c_str(), "w", stderr);
      execl(LEAKHUNT_BIN "/leakhunt", "leakhunt", "attach", pid.c_str(), "--for", "100ms", "--out",
            out().c_str(), nullptr);
      _exit(127);
    }
    usleep(after);
    kill(attacher, SIGKILL);
    waitpid(attacher, nullptr, 0);
    ASSERT_TRUE(threads.is_running()) << after;
  }
  const Finished attached = attach(threads, "--for 10ms");
  EXPECT_EQ(attached.exit_status, 0) << attached.err;
  threads.tell();
  EXPECT_EQ(threads.end(), kAllRight);
}

TEST_F(Attach, EndsWithTheProgram) {
  RunningTarget leaky({target("is_attached_to"), "leaks"});
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
    leaky.tell();
  });
  const Finished attached = attach(leaky, "--interval 20");
  later.join();
  EXPECT_NE(attached.err.find("is_attached_to ended by itself after"), std::string::npos) << attached.err;
  const auto run = recording::read_recording(out() + "/recording.lhr");
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->end, recording::EndKind::kExit);
  EXPECT_EQ(leaky.end(), kAllRight);
}

TEST_F(Attach, EndsWhenAnotherProgramTakesTheProcess) {
  RunningTarget shell(
      {"/bin/sh", "-c", "echo ready; read line; exec " + target("is_attached_to") + " waits read"});
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
    shell.tell();
  });
  const Finished attached = attach(shell, "--interval 20");
  later.join();
  EXPECT_NE(attached.err.find("called exec, and goes on without us"), std::string::npos) << attached.err;
  EXPECT_TRUE(shell.is_running());
  shell.tell();
  EXPECT_EQ(shell.end(), kAllRight) << shell.output();
}

TEST_F(Attach, EndsWithASignalAndReports) {
  RunningTarget leaky({target("is_attached_to"), "leaks"});
  const Finished attached =
      run_command("timeout -s INT 1 " + attach_command(leaky.pid(), "--interval 20", out()) + "; true");
  EXPECT_NE(attached.err.find("is_attached_to goes on without us after"), std::string::npos) << attached.err;
  EXPECT_NE(report().find("grow_later"), std::string::npos);
  leaky.tell();
  EXPECT_EQ(leaky.end(), kAllRight);
}

TEST_F(Attach, RefusesWhatItCannotDoAndSaysWhy) {
  const auto refused = [&](const std::string& pid) {
    const Finished finished = run_command(LEAKHUNT_BIN "/leakhunt attach " + pid + " --out " + out());
    EXPECT_EQ(finished.exit_status, 2) << pid << finished.err;
    EXPECT_FALSE(std::filesystem::exists(out() + "/recording.lhr")) << pid;
    return finished.err;
  };
  EXPECT_NE(refused("4194304").find("the process 4194304 does not exist"), std::string::npos);
  EXPECT_NE(refused("2x").find("pid"), std::string::npos);

  RunningTarget waiting({target("is_attached_to"), "waits", "read"});
  const std::string pid = std::to_string(waiting.pid());
  kill(waiting.pid(), SIGSTOP);
  waitid(P_PID, static_cast<id_t>(waiting.pid()), nullptr, WSTOPPED | WNOWAIT);
  EXPECT_NE(refused(pid).find("is stopped: let it go on first, with kill -CONT " + pid), std::string::npos);
  kill(waiting.pid(), SIGCONT);

  RunningTarget unlinked({target("waits_static")});
  EXPECT_NE(refused(std::to_string(unlinked.pid())).find("is statically linked"), std::string::npos);

  const std::string first = folder_.file("first");
  std::thread attached([&] { run_command(attach_command(waiting.pid(), "--for 1s", first)); });
  while (!std::filesystem::exists(first + "/recording.lhr")) usleep(1000);
  usleep(300'000);
  EXPECT_NE(refused(pid).find("is recorded already, into " + first + "/recording.lhr"), std::string::npos);
  attached.join();

  kill(waiting.pid(), SIGKILL);
  waitid(P_PID, static_cast<id_t>(waiting.pid()), nullptr, WEXITED | WNOWAIT);
  EXPECT_NE(refused(pid).find("has ended already"), std::string::npos);
}

TEST_F(Attach, RefusesARunOfLeakhunt) {
  const std::string run = folder_.file("run");
  RunningTarget recorded(
      {LEAKHUNT_BIN "/leakhunt", "run", "--out", run, "--", target("is_attached_to"), "waits", "read"});
  const std::string children = read_file("/proc/" + std::to_string(recorded.pid()) + "/task/" +
                                         std::to_string(recorded.pid()) + "/children");
  const Finished finished = run_command(LEAKHUNT_BIN "/leakhunt attach --out " + out() + " " + children);
  EXPECT_EQ(finished.exit_status, 2);
  EXPECT_NE(finished.err.find("is recorded already, into " + run + "/recording.lhr"), std::string::npos)
      << finished.err;
  recorded.tell();
  recorded.end();
}

TEST_F(Attach, SaysWhoHoldsWhatGrows) {
  RunningTarget leaky({target("is_attached_to"), "leaks"});
  const Finished attached = attach(leaky, "--for 1s --interval 20 --graph every=10");
  EXPECT_EQ(attached.exit_status, 4) << attached.err;
  const auto json = nlohmann::json::parse(read_file(out() + "/report.json"));
  ASSERT_EQ(json["findings"].size(), 1u) << report();
  const nlohmann::json& retention = json["findings"][0]["retention"];
  ASSERT_TRUE(retention.is_object()) << report();
  EXPECT_EQ(retention["reachability"], "still reachable");
  EXPECT_NE(retention["path"].get<std::string>().find("kept"), std::string::npos) << report();
  leaky.tell();
  EXPECT_EQ(leaky.end(), kAllRight);
}

// Blocks from before, whose pointers keep newer ones, are not known as blocks; nor are threads that allocate
// nothing.
TEST_F(Attach, TakesNothingForLostThatOlderMemoryHolds) {
  RunningTarget holder({target("is_attached_to"), "holds"});
  const Finished attached = attach(holder, "--for 600ms --interval 20 --graph exit");
  const auto run = recording::read_recording(out() + "/recording.lhr");
  ASSERT_TRUE(run.has_value()) << attached.err;
  ASSERT_EQ(run->graphs.size(), 1u);
  ASSERT_EQ(run->graphs[0].obstacle, "");
  size_t held = 0;
  for (const auto& node : run->graphs[0].nodes) {
    if (node.size != 1777) continue;  // as is_attached_to says it
    ++held;
    EXPECT_EQ(node.reach, recording::Reach::kReachable);
  }
  EXPECT_GE(held, 10u);
  holder.tell();
  EXPECT_EQ(holder.end(), kAllRight);
}

TEST_F(Attach, RefusesAGraphThatThereIsNot) {
  RunningTarget leaky({target("is_attached_to"), "leaks"});
  const Finished attached = attach(leaky, "--for 1s --graph every=0");
  EXPECT_EQ(attached.exit_status, 2);
  EXPECT_NE(attached.err.find("--graph: 'every=0' is none of"), std::string::npos) << attached.err;
  leaky.tell();
  leaky.end();
}

// Whatever is installed: interpreters whose allocators are their own, and whose libraries come and go.
TEST_F(Attach, RecordsStockProgramsAndLetsThemGoOn) {
  const struct {
    const char* program;
    std::vector<std::string> command;
  } programs[] = {
      {"/usr/bin/perl",
       {"/usr/bin/perl", "-e",
        "$| = 1; print \"ready\\n\"; my @kept; while (1) { my $in = ''; vec($in, 0, 1) = 1; "
        "last if select($in, undef, undef, 0.002); push @kept, 'a' x 9000; } exit 7"}},
      {"/usr/bin/python3",
       {"/usr/bin/python3", "-u", "-c",
        "import select, sys\nprint('ready')\nkept = []\nwhile not select.select([0], [], [], 0.002)[0]:\n"
        "    kept.append(bytearray(9000))\nsys.exit(7)"}}};
  for (const auto& [program, command] : programs) {
    if (!std::filesystem::exists(program)) continue;
    RunningTarget stock(command);
    const Finished attached = attach(stock, "--for 1s --interval 20");
    EXPECT_NE(attached.err.find("goes on without us"), std::string::npos) << program << attached.err;
    const auto run = recording::read_recording(out() + "/recording.lhr");
    ASSERT_TRUE(run.has_value()) << program;
    int64_t live = 0;
    for (const recording::CallSite& site : run->sites) live += site.live_bytes_end();
    EXPECT_GT(live, 50 * 9000) << program;
    stock.tell();
    EXPECT_EQ(stock.end(), kAllRight) << program;
  }
}

}  // namespace
}  // namespace leakhunt::end_to_end
