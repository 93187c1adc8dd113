// Stacks that are not a plain chain of calls: signal handlers, coroutines, threads, a forked child.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "tests/instrument/unwind/stacks.h"
#include "tests/instrument/unwind/subjects.h"

namespace leakhunt::tracker {
namespace {

// --- signals

Stacks* in_handler;

void handle(int) {
  if (in_handler != nullptr) take_stacks(in_handler);
}

void install(int signal, void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  ASSERT_EQ(sigaction(signal, &action, nullptr), 0);
}

class AlternateStack {
 public:
  AlternateStack() : memory_(1 << 20) {
    stack_t stack{};
    stack.ss_sp = memory_.data();
    stack.ss_size = memory_.size();
    sigaltstack(&stack, nullptr);
  }
  ~AlternateStack() {
    stack_t stack{};
    stack.ss_flags = SS_DISABLE;
    sigaltstack(&stack, nullptr);
  }

 private:
  std::vector<char> memory_;
};

TEST(UnwindSignals, GoesThroughAHandlerOnTheThreadsStack) {
  Stacks stacks;
  in_handler = &stacks;
  install(SIGUSR1, handle, 0);
  subjects::through_qsort([](void*) { raise(SIGUSR1); }, nullptr);
  EXPECT_EQ(difference(stacks), "");
  in_handler = nullptr;
}

TEST(UnwindSignals, GoesThroughAHandlerOnItsOwnStack) {
  const AlternateStack alternate;
  Stacks stacks;
  in_handler = &stacks;
  install(SIGUSR1, handle, SA_ONSTACK);
  subjects::realigned([](void*) { raise(SIGUSR1); }, nullptr);
  EXPECT_EQ(difference(stacks), "");
  in_handler = nullptr;
}

void trap_in_epilogue(void*) {
  subject_trap_in_epilogue();
}

TEST(UnwindSignals, GoesOnFromAnEpilogueWhoseSavedRegistersAreInTheRedZone) {
  Stacks stacks;
  in_handler = &stacks;
  install(SIGTRAP, handle, 0);
  subjects::realigned(trap_in_epilogue, nullptr);
  EXPECT_EQ(difference(stacks), "");
  const AlternateStack alternate;
  install(SIGTRAP, handle, SA_ONSTACK);
  subjects::realigned(trap_in_epilogue, nullptr);
  EXPECT_EQ(difference(stacks), "");
  in_handler = nullptr;
  install(SIGTRAP, SIG_DFL, 0);
}

// A timer strikes anywhere: in prologues, in PLT entries, in the middle of a capture.
struct Struck {
  std::atomic<unsigned> identical{0};
  std::atomic<unsigned> shorter{0};
  std::string different;
} struck;
Stacks struck_stacks;

void compare_in_handler(int) {
  take_stacks(&struck_stacks);
  if (difference(struck_stacks).empty()) {
    ++struck.identical;
  } else if (is_honest_prefix(struck_stacks)) {
    ++struck.shorter;
  } else if (struck.different.empty()) {
    struck.different = difference(struck_stacks);
  }
}

size_t plain_capture(void*) {
  uint64_t frames[128];
  return capture_by_cfi_rules(__builtin_frame_address(0), own_stack(), frames, 128).count;
}

void strike_for(int flags) {
  own_stack();  // asks libc, which allocates: not where a signal whose handler allocates can strike
  struck.identical = 0;
  struck.shorter = 0;
  struck.different.clear();
  install(SIGPROF, compare_in_handler, flags | SA_RESTART);
  struct itimerval every {
    {0, 1000}, { 0, 1000 }
  };
  setitimer(ITIMER_REAL, &every, nullptr);
  install(SIGALRM, compare_in_handler, flags | SA_RESTART);
  const auto leaf = [](void* argument) { plain_capture(argument); };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  for (unsigned round = 0; struck.identical + struck.shorter < 700; ++round) {
    if (round % 1000 == 0 && std::chrono::steady_clock::now() > deadline) break;
    subjects::realigned(leaf, nullptr);
    subjects::realigned_with_stack_arguments(1, 2, 3, 4, 5, 6, 7, leaf, nullptr);
    subjects::recurse(round % 30, leaf, nullptr);
    subjects::with_alloca(round % 512, leaf, nullptr);
    subject_cfa_in_rbx(leaf, nullptr);
  }
  every = {};
  setitimer(ITIMER_REAL, &every, nullptr);
  EXPECT_EQ(struck.different, "");
  EXPECT_GT(struck.identical, 100u);
  EXPECT_LE(struck.shorter * 100, struck.identical + 0u) << "stopped early";
}

TEST(UnwindSignals, GoesThroughWhereverASignalStrikes) {
  strike_for(0);
}

TEST(UnwindSignals, GoesThroughWhereverASignalStrikesFromAnotherStack) {
  const AlternateStack alternate;
  strike_for(SA_ONSTACK);
}

// --- coroutines

ucontext_t here;
ucontext_t there;
Stacks* in_coroutine;

void coroutine() {
  subjects::recurse(20, take_stacks, in_coroutine);
  subjects::with_alloca(9000, take_stacks, in_coroutine);  // over several pages
  if (in_handler != nullptr) raise(SIGUSR1);
}

// A stack between two pages that cannot be read.
class GuardedStack {
 public:
  GuardedStack() {
    memory_ = static_cast<char*>(mmap(nullptr, kBytes + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    EXPECT_EQ(mprotect(memory_ + 4096, kBytes, PROT_READ | PROT_WRITE), 0);
  }
  ~GuardedStack() { munmap(memory_, kBytes + 8192); }
  static constexpr size_t kBytes = 128 << 10;
  char* bottom() const { return memory_ + 4096; }

 private:
  char* memory_;
};

void run_coroutine(Stacks* stacks) {
  const GuardedStack stack;
  in_coroutine = stacks;
  getcontext(&there);
  there.uc_stack.ss_sp = stack.bottom();
  there.uc_stack.ss_size = GuardedStack::kBytes;
  there.uc_link = &here;
  makecontext(&there, coroutine, 0);
  swapcontext(&here, &there);
}

TEST(UnwindCoroutines, AreWalkedToTheirStart) {
  for (int round = 0; round < 3; ++round) {
    Stacks stacks;
    run_coroutine(&stacks);
    EXPECT_EQ(stacks.taken, 2u);
    EXPECT_EQ(difference(stacks), "");
  }
}

TEST(UnwindCoroutines, AreWalkedByFramePointersWithoutLeavingTheirStack) {
  Stacks stacks;
  stacks.capture = capture_by_frame_pointers;
  run_coroutine(&stacks);
  ASSERT_FALSE(stacks.ours.empty());
  EXPECT_EQ(stacks.ours[0], stacks.libgcc[0]);
}

TEST(UnwindCoroutines, AreWalkedFromASignalHandlerOnTheThreadsOwnAlternateStack) {
  const AlternateStack alternate;
  Stacks stacks;
  Stacks handled;
  in_handler = &handled;
  install(SIGUSR1, handle, SA_ONSTACK);
  run_coroutine(&stacks);
  in_handler = nullptr;
  EXPECT_EQ(difference(handled), "");
}

// --- threads and processes

TEST(UnwindThreads, AgreeWhileRulesAreForgottenAllTheTime) {
  std::atomic<bool> stop{false};
  std::atomic<unsigned> wrong{0};
  std::atomic<unsigned> taken{0};
  std::thread forgetter([&] {
    while (!stop) {
      forget_unwind_rules();
      usleep(100);
    }
  });
  std::vector<std::thread> walkers;
  for (unsigned number = 0; number < 6; ++number) {
    walkers.emplace_back([&, number] {
      for (unsigned round = 0; round < 400; ++round) {
        Stacks stacks;
        subjects::recurse((round * 7 + number) % 50, take_stacks, &stacks);
        wrong += !difference(stacks).empty();
        subjects::through_sort(take_stacks, &stacks);
        wrong += !difference(stacks).empty();
        taken += 2;
      }
    });
  }
  for (std::thread& walker : walkers) walker.join();
  stop = true;
  forgetter.join();
  EXPECT_EQ(taken, 4800u);
  EXPECT_EQ(wrong, 0u);
}

TEST(UnwindThreads, OneAfterAnotherTakeOverTheSameMemory) {
  for (int i = 0; i < 300; ++i) {
    Stacks stacks;
    std::thread([&] { subjects::through_qsort(take_stacks, &stacks); }).join();
    ASSERT_EQ(difference(stacks), "");
  }
}

TEST(UnwindThreads, AForkedChildWalksItsOwnStack) {
  Stacks before;
  subjects::recurse(5, take_stacks, &before);
  const pid_t child = fork();
  if (child == 0) {
    Stacks stacks;
    subjects::recurse(9, take_stacks, &stacks);
    _exit(difference(stacks).empty() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace leakhunt::tracker
