#include "tests/instrument/unwind/subjects.h"

#include <alloca.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace leakhunt::subjects {

namespace {

// Keeps a call from being a jump, and what it is given from being thought away.
void touch(volatile void* memory) {
  __asm__ volatile("" : : "r"(memory) : "memory");
}

struct Callee {
  Leaf leaf;
  void* argument;
  bool called;
};
thread_local Callee callee;

void call_once() {
  if (callee.called) return;
  callee.called = true;
  callee.leaf(callee.argument);
}

int compare_and_call(const void* left, const void* right) {
  call_once();
  return *static_cast<const int*>(left) - *static_cast<const int*>(right);
}

[[noreturn]] __attribute__((noinline)) void call_and_throw(Leaf leaf, void* argument) {
  leaf(argument);
  throw 1;
}

}  // namespace

__attribute__((noinline)) void recurse(unsigned depth, Leaf leaf, void* argument) {
  char local[40];
  touch(local);
  depth == 0 ? leaf(argument) : recurse(depth - 1, leaf, argument);
  touch(local);
}

__attribute__((noinline)) void with_alloca(size_t bytes, Leaf leaf, void* argument) {
  void* space = alloca(bytes);
  touch(space);
  leaf(argument);
  touch(space);
}

__attribute__((noinline)) void with_large_frame(Leaf leaf, void* argument) {
  char local[300 << 10];
  touch(local);
  leaf(argument);
  touch(local);
}

__attribute__((noinline)) void realigned(Leaf leaf, void* argument) {
  alignas(64) char local[128];
  touch(local);
  leaf(argument);
  touch(local);
}

__attribute__((noinline)) void realigned_with_alloca(size_t bytes, Leaf leaf, void* argument) {
  alignas(64) char local[128];
  void* space = alloca(bytes);
  touch(local);
  touch(space);
  leaf(argument);
  touch(local);
  touch(space);
}

__attribute__((noinline)) void realigned_with_stack_arguments(long a, long b, long c, long d, long e, long f,
                                                              long g, Leaf leaf, void* argument) {
  alignas(64) long local[16] = {a, b, c, d, e, f, g};
  touch(local);
  leaf(argument);
  touch(local);
}

__attribute__((noinline)) void through_qsort(Leaf leaf, void* argument) {
  int numbers[] = {3, 1, 2, 9, 4};
  callee = {leaf, argument, false};
  qsort(numbers, 5, sizeof numbers[0], compare_and_call);
  touch(numbers);
}

__attribute__((noinline)) void through_bsearch(Leaf leaf, void* argument) {
  const int numbers[] = {1, 2, 3, 4, 9};
  callee = {leaf, argument, false};
  touch(bsearch(numbers, numbers, 5, sizeof numbers[0], compare_and_call));
}

__attribute__((noinline)) void through_sort(Leaf leaf, void* argument) {
  std::vector<int> numbers(100, 7);
  callee = {leaf, argument, false};
  std::sort(numbers.begin(), numbers.end(), [](int left, int right) {
    call_once();
    return left < right;
  });
  touch(numbers.data());
}

__attribute__((noinline)) void through_function(Leaf leaf, void* argument) {
  std::vector<char> captured(20, 'x');
  const std::function<void()> call = [captured, leaf, argument] {
    leaf(argument);
    touch(const_cast<char*>(captured.data()));
  };
  call();
  touch(captured.data());
}

__attribute__((noinline)) void ends_in_noreturn_call(Leaf leaf, void* argument) {
  char local[24];
  touch(local);
  call_and_throw(leaf, argument);
}

__attribute__((noinline)) void through_pthread_once(Leaf leaf, void* argument) {
  pthread_once_t once = PTHREAD_ONCE_INIT;
  callee = {leaf, argument, false};
  pthread_once(&once, call_once);
  touch(&once);
}

}  // namespace leakhunt::subjects

__asm__(R"(
  .text
  .globl subject_cfa_in_rbx
  .type subject_cfa_in_rbx, @function
subject_cfa_in_rbx:
  .cfi_startproc
  push %rbx
  .cfi_def_cfa_offset 16
  .cfi_offset %rbx, -16
  mov %rsp, %rbx
  .cfi_def_cfa_register %rbx
  and $-64, %rsp
  sub $192, %rsp
  mov %rdi, %rax
  mov %rsi, %rdi
  call *%rax
  mov %rbx, %rsp
  pop %rbx
  .cfi_def_cfa %rsp, 8
  ret
  .cfi_endproc
  .size subject_cfa_in_rbx, . - subject_cfa_in_rbx

  .globl subject_trap_in_epilogue
  .type subject_trap_in_epilogue, @function
subject_trap_in_epilogue:
  .cfi_startproc
  push %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  mov %rsp, %rbp
  .cfi_def_cfa_register %rbp
  push %rbx
  .cfi_offset %rbx, -24
  mov -8(%rbp), %rbx
  leave
  .cfi_def_cfa %rsp, 8
  int3
  ret
  .cfi_endproc
  .size subject_trap_in_epilogue, . - subject_trap_in_epilogue

  .globl subject_bogus_rbp
  .type subject_bogus_rbp, @function
subject_bogus_rbp:
  .cfi_startproc
  push %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  mov %rdx, %rbp
  mov %rdi, %rax
  mov %rsi, %rdi
  call *%rax
  pop %rbp
  .cfi_def_cfa_offset 8
  ret
  .cfi_endproc
  .size subject_bogus_rbp, . - subject_bogus_rbp

  .globl subject_lying_rule
  .type subject_lying_rule, @function
subject_lying_rule:
  .cfi_startproc
  push %rbp
  .cfi_def_cfa %rbp, 16
  .cfi_offset %rbp, -16
  mov %rdx, %rbp
  mov %rdi, %rax
  mov %rsi, %rdi
  call *%rax
  pop %rbp
  ret
  .cfi_endproc
  .size subject_lying_rule, . - subject_lying_rule

  .globl subject_without_rule
  .type subject_without_rule, @function
subject_without_rule:
  sub $24, %rsp
  mov %rdi, %rax
  mov %rsi, %rdi
  call *%rax
  add $24, %rsp
  ret
  .size subject_without_rule, . - subject_without_rule
  .section .note.GNU-stack, "", @progbits
  .text
)");
