#include "instrument/heap_graph/scanner_process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "instrument/heap_graph/roots.h"
#include "instrument/heap_graph/scratch.h"
#include "instrument/os/atomics.h"
#include "instrument/os/pages.h"
#include "instrument/os/proc_self.h"
#include "instrument/os/small_file.h"
#include "instrument/os/system_call.h"
#include "instrument/os/text.h"

namespace leakhunt::tracker {

namespace {

constexpr uint64_t kMostSeconds = 20;
constexpr int kSignals = 64;
const char kName[] = "leakhunt graph";

// rt_sigaction's own structure; zeros are the default action.
struct KernelAction {
  void* handler;
  unsigned long flags;
  void* restorer;
  unsigned long mask;
};

void close_everything() {
  if (!is_error(system_call(SYS_close_range, 0u, ~0u, 0u))) return;
  for (unsigned file = 0; file < 65536; ++file) system_call(SYS_close, file);  // before Linux 5.9
}

void become_nobody() {
  close_everything();
  const KernelAction none{};
  for (int signal = 1; signal <= kSignals; ++signal) {
    system_call(SYS_rt_sigaction, signal, &none, nullptr, sizeof none.mask);
  }
  const unsigned long nothing = 0;
  system_call(SYS_rt_sigprocmask, SIG_SETMASK, &nothing, nullptr, sizeof nothing);
  // Of one byte: nothing is written to a file, and 1 is the value that a program behind a pipe is not
  // started at (core(5)).
  const rlimit no_core{1, 1};
  system_call(SYS_prlimit64, 0, RLIMIT_CORE, &no_core, nullptr);
  const rlimit seconds{kMostSeconds, kMostSeconds};
  system_call(SYS_prlimit64, 0, RLIMIT_CPU, &seconds, nullptr);
  system_call(SYS_prctl, PR_SET_NAME, kName, 0, 0, 0);
  const long file = system_call(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);
  if (is_error(file)) return;
  system_call(SYS_write, file, "1000", 4);
  system_call(SYS_close, file);
}

// Too large for the stack of the thread whose copy runs here.
struct Scan {
  BlockIndex blocks;
  AddressSpace map;
  Marks marks;
};

// By the program, as soon as it runs again; or it has ended, and nobody asks any more.
void wait_until_checked(ScanResult* result) {
  constexpr int kMostWaits = 20;
  const timespec moment{0, 100'000'000};
  for (int i = 0; i < kMostWaits && load_acquire(result->checked) == 0; ++i)
    system_call(SYS_futex, &result->checked, FUTEX_WAIT, 0, &moment, nullptr, 0);
}

bool scan(ScanInput input, ScanResult* result) {
  wait_until_checked(result);
  const uint64_t begin = monotonic_ns();
  input.settle(&input, result->has_run);
  result->threads_parked = input.threads_parked;
  result->threads_waiting = input.threads_waiting;
  Scan* scan = map_scratch<Scan>(1);
  if (scan == nullptr) return false;
  *scan = {};
  if (!scan->blocks.build(input) || !scan->map.read() || !scan->marks.start(input, scan->blocks, scan->map))
    return false;
  scan_roots(input, scan->blocks, scan->map, scan->marks);
  scan->marks.finish();
  GraphOutput output(input, scan->blocks, scan->marks, result->output(), ScanResult::output_bytes());
  result->bytes = output.write(monotonic_ns() - begin);
  for (size_t i = 0; i < output.module_count(); ++i) result->modules[i] = output.modules()[i];
  result->module_count = output.module_count();
  return result->bytes != 0;
}

[[noreturn]] void end_process() {
  for (;;) system_call(SYS_exit_group, 0);
}

// On a stack of its own, with the copy's memory, which is not touched by anybody else.
__attribute__((used)) void scan_and_end(const ScanInput* input, ScanResult* result) {
  become_nobody();
  if (scan(*input, result)) store_release(result->done, 1u);
  end_process();
}

// A process that shares the memory and calls scan_and_end on the stack that ends at `top`.
long clone_scanner(void* top, const ScanInput& input, ScanResult* result) {
  register const void* input_in __asm__("r12") = &input;
  register const void* result_in __asm__("r13") = result;
  register const void* call_in __asm__("r14") = reinterpret_cast<const void*>(&scan_and_end);
  register long no_tid __asm__("r10") = 0;
  register long no_tls __asm__("r8") = 0;
  long child;
  __asm__ volatile(
      "syscall\n\t"
      "testq %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xorl %%ebp, %%ebp\n\t"
      "movq %%r12, %%rdi\n\t"
      "movq %%r13, %%rsi\n\t"
      "call *%%r14\n\t"
      "ud2\n"
      "1:"
      : "=a"(child)
      : "a"(SYS_clone), "D"(CLONE_VM | CLONE_UNTRACED), "S"(top), "d"(0L), "r"(no_tid), "r"(no_tls),
        "r"(input_in), "r"(result_in), "r"(call_in)
      : "rcx", "r11", "memory");
  return child;
}

// The copy: it has no name of ours yet, and is gone before anybody could ask for it.
[[noreturn]] __attribute__((noinline)) void hand_over_and_end(const ScanInput& input, ScanResult* result) {
  result->pid = static_cast<int32_t>(clone_scanner(result->stack + sizeof result->stack, input, result));
  end_process();
}

// "/proc/<pid>/stat": "4711 (leakhunt graph) R 1 ...". `is_ours`: by its name, which it has right from its
// beginning on, but for a moment.
bool is_running(int32_t pid, bool* is_ours) {
  char path[40];
  Text(path, sizeof path).put("/proc/").put(static_cast<uint64_t>(pid)).put("/stat");
  char text[64];
  const size_t bytes = read_small_file(path, text, sizeof text);
  size_t end = bytes;
  while (end > 0 && text[end - 1] != ')') --end;
  if (end == 0 || end + 1 >= bytes) return false;
  constexpr size_t kLength = sizeof kName - 1;
  *is_ours = end > kLength;
  for (size_t i = 0; *is_ours && i < kLength; ++i) *is_ours = text[end - 1 - kLength + i] == kName[i];
  return text[end + 1] != 'Z' && text[end + 1] != 'X';
}

}  // namespace

ScanResult* ScannerProcess::prepare() {
  const long memory = system_call(SYS_mmap, 0L, ScanResult::kBytes, PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1L, 0L);
  if (is_error(memory)) return nullptr;
  owner_ = system_call(SYS_getpid);
  return result_ = reinterpret_cast<ScanResult*>(memory);
}

void ScannerProcess::start(const ScanInput& input) {
  const unsigned long all = ~0ul;
  system_call(SYS_rt_sigprocmask, SIG_SETMASK, &all, &signals_, sizeof all);
  ScanResult* const result = result_;
  copy_ = system_call(SYS_clone, CLONE_UNTRACED, 0L, 0L, 0L, 0L);
  if (copy_ == 0) hand_over_and_end(input, result);
}

void ScannerProcess::threads_are_checked() {
  store_release(result_->checked, 1u);
  system_call(SYS_futex, &result_->checked, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

int ScannerProcess::finish_start() {
  if (!is_error(copy_)) system_call(SYS_wait4, copy_, nullptr, __WCLONE, nullptr);
  system_call(SYS_rt_sigprocmask, SIG_SETMASK, &signals_, nullptr, sizeof signals_);
  if (is_error(copy_)) return static_cast<int>(-copy_);
  return result_->pid < 0 ? -result_->pid : result_->pid == 0 ? ECHILD : 0;
}

void ScannerProcess::keep_from_children() {
  system_call(SYS_madvise, result_, ScanResult::kBytes, MADV_DONTFORK);
}

bool ScannerProcess::is_done() const {
  return load_acquire(result_->done) != 0;
}

bool ScannerProcess::is_lost() const {
  bool is_ours = false;
  return !is_done() && !is_running(result_->pid, &is_ours) && !is_done();
}

void ScannerProcess::release() {
  if (result_ == nullptr || owner_ != system_call(SYS_getpid)) {
    result_ = nullptr;
    return;
  }
  bool is_ours = false;
  if (result_->pid > 0 && !is_done() && is_running(result_->pid, &is_ours) && is_ours) {
    system_call(SYS_kill, result_->pid, SIGKILL);
  }
  system_call(SYS_munmap, result_, ScanResult::kBytes);
  result_ = nullptr;
}

const char* obstacle_to_scanning() {
  if (system_call(SYS_getpid) == 1) return "the program is the first process of its container";
  int takes_orphans = 0;
  if (!is_error(system_call(SYS_prctl, PR_GET_CHILD_SUBREAPER, &takes_orphans, 0, 0, 0)) &&
      takes_orphans != 0)
    return "the program takes in orphaned processes";
  return nullptr;
}

}  // namespace leakhunt::tracker
