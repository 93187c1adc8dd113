// Claim: a block is counted from however deep a stack, and from stacks that are not the thread's own.
//
// Each of "recursion", "coroutine" and "signal_stack" is a tag that gets one block of 24 bytes at each of
// DEPTH depths, and frees all of them on the way back.
//
//   deep_stacks [DEPTH]
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "instrument/leakhunt.hpp"

namespace {

size_t depth = 10'000;
constexpr size_t kStackBytes = 64 << 20;

// Two functions that call each other with frames of different sizes.
size_t odd(size_t left);
__attribute__((noinline)) size_t even(size_t left) {
  void* volatile block = malloc(24);
  volatile char room[200];
  room[left % 200] = 1;
  const size_t below = left == 1 ? 0 : odd(left - 1);
  free(block);
  return below + static_cast<size_t>(room[left % 200]);
}
__attribute__((noinline)) size_t odd(size_t left) {
  void* volatile block = malloc(24);
  const size_t below = left == 1 ? 0 : even(left - 1);
  free(block);
  return below + 1;
}

size_t reached = 0;

void recurse(const char* tag) {
  const leakhunt::TagScope scope(leakhunt::tag(tag));
  reached += even(depth);
}

ucontext_t main_context;
ucontext_t coroutine;

void in_coroutine() {
  recurse("coroutine");
}

void in_handler(int) {
  recurse("signal_stack");
}

void* new_stack() {
  return mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
              0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) depth = strtoull(argv[1], nullptr, 10);
  recurse("recursion");

  getcontext(&coroutine);
  coroutine.uc_stack.ss_sp = new_stack();
  coroutine.uc_stack.ss_size = kStackBytes;
  coroutine.uc_link = &main_context;
  makecontext(&coroutine, in_coroutine, 0);
  swapcontext(&main_context, &coroutine);

  const stack_t signal_stack{new_stack(), 0, kStackBytes};
  sigaltstack(&signal_stack, nullptr);
  struct sigaction action {};
  action.sa_handler = in_handler;
  action.sa_flags = SA_ONSTACK;
  sigaction(SIGUSR1, &action, nullptr);
  raise(SIGUSR1);

  leakhunt::iteration(0);
  printf("%zu\n", reached);
  return 0;
}
