#include "scenarios/runner/stopped_thread.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "scenarios/runner/process_image.h"
#include "scenarios/runner/safe_moment.h"

namespace leakhunt::runner {

namespace {

using std::chrono::steady_clock;

constexpr auto kLook = std::chrono::microseconds(100);
constexpr uint64_t kMaskBytes = 8;  // of the kernel's sigset_t

// What a system call leaves in rax for the kernel itself, which then makes it again, or says EINTR if there
// is a handler to be called first (linux/errno.h).
constexpr long kRestartUnlessHandled = 514;  // ERESTARTNOHAND

long request(__ptrace_request what, pid_t thread, uint64_t address, const void* data) {
  return ptrace(what, thread, address, data);
}

bool is_interruption(int status) {
  return WIFSTOPPED(status) && status >> 16 == PTRACE_EVENT_STOP && WSTOPSIG(status) == SIGTRAP;
}

bool is_group_stop(int status) {
  return WIFSTOPPED(status) && status >> 16 == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP;
}

bool is_at_system_call(int status) {
  return WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80);
}

bool is_crash(int status) {
  if (!WIFSTOPPED(status)) return false;
  const int signal = WSTOPSIG(status);
  return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE || signal == SIGTRAP;
}

uint64_t signal_of(int status) {
  return static_cast<uint64_t>(WSTOPSIG(status));
}

}  // namespace

tl::expected<StoppedThread, std::string> StoppedThread::stop(pid_t thread,
                                                             std::chrono::milliseconds patience) {
  if (request(PTRACE_SEIZE, thread, 0, reinterpret_cast<void*>(PTRACE_O_TRACESYSGOOD)) != 0)
    return tl::unexpected(std::string(std::strerror(errno)));
  StoppedThread held(thread);
  const bool asked = request(PTRACE_INTERRUPT, thread, 0, nullptr) == 0;
  if (!asked || !held.wait_for_interruption(steady_clock::now() + patience))
    return tl::unexpected(std::string("it does not stop"));
  held.take_registers();
  return held;
}

StoppedThread::StoppedThread(StoppedThread&& other) noexcept
    : thread_(std::exchange(other.thread_, 0)),
      registers_(other.registers_),
      signal_mask_(other.signal_mask_),
      is_stopped_(other.is_stopped_) {}

// A thread that never stopped can only be let go when it does.
StoppedThread::~StoppedThread() {
  if (thread_ == 0) return;
  int status = 0;
  if (!is_stopped_ && !wait_for_stop(steady_clock::now() + std::chrono::milliseconds(50), &status)) return;
  const bool has_signal =
      !is_stopped_ && WIFSTOPPED(status) && status >> 16 == 0 && !is_at_system_call(status);
  request(PTRACE_DETACH, thread_, 0, reinterpret_cast<void*>(has_signal ? signal_of(status) : 0));
}

bool StoppedThread::wait_for_stop(steady_clock::time_point until, int* status) const {
  for (;;) {
    const pid_t changed = waitpid(thread_, status, __WALL | WNOHANG);
    if (changed == thread_) return WIFSTOPPED(*status);
    if (changed < 0 && errno != EINTR) return false;
    if (steady_clock::now() > until) return false;
    std::this_thread::sleep_for(kLook);
  }
}

// Signals that come first are handed on.
bool StoppedThread::wait_for_interruption(steady_clock::time_point until) {
  int status = 0;
  while (wait_for_stop(until, &status)) {
    is_stopped_ = true;
    if (is_interruption(status)) return true;
    if (is_group_stop(status)) return false;  // stopped by a shell or the like: not ours to move
    const uint64_t signal = is_at_system_call(status) || status >> 16 != 0 ? 0 : signal_of(status);
    request(PTRACE_CONT, thread_, 0, reinterpret_cast<void*>(signal));
    is_stopped_ = false;
  }
  return false;
}

void StoppedThread::take_registers() {
  registers_ = registers_now();
  request(PTRACE_GETSIGMASK, thread_, kMaskBytes, &signal_mask_);
  const long number = static_cast<long>(registers_.orig_rax);
  if (number >= 0 && static_cast<long>(registers_.rax) == -EINTR && comes_back_interrupted(number)) {
    registers_.rax = static_cast<unsigned long long>(-kRestartUnlessHandled);
    set_registers(registers_);
  }
}

user_regs_struct StoppedThread::registers_now() const {
  user_regs_struct registers{};
  request(PTRACE_GETREGS, thread_, 0, &registers);
  return registers;
}

bool StoppedThread::is_in_restartable_sequence() const {
  __ptrace_rseq_configuration rseq{};
  const auto get = static_cast<__ptrace_request>(PTRACE_GET_RSEQ_CONFIGURATION);
  if (request(get, thread_, sizeof rseq, &rseq) <= 0 || rseq.rseq_abi_pointer == 0) return false;
  uint64_t section = 0;  // struct rseq: two 32-bit numbers, then the section that is being run
  const bool known = read_memory(thread_, rseq.rseq_abi_pointer + 8, &section, sizeof section);
  return known && section != 0;
}

bool StoppedThread::set_registers(const user_regs_struct& registers) const {
  return request(PTRACE_SETREGS, thread_, 0, &registers) == 0;
}

bool StoppedThread::set_signal_mask(uint64_t mask) const {
  return request(PTRACE_SETSIGMASK, thread_, kMaskBytes, &mask) == 0;
}

bool StoppedThread::write_text(uint64_t address, const void* bytes, size_t count) const {
  for (size_t at = 0; at < count; at += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, static_cast<const char*>(bytes) + at, sizeof word);
    const void* data = reinterpret_cast<void*>(word);
    if (request(PTRACE_POKETEXT, thread_, address + at, data) != 0) return false;
  }
  return true;
}

StoppedThread::Stop StoppedThread::run_to_system_call(steady_clock::time_point until) {
  uint64_t signal = 0;
  for (;;) {
    const void* data = reinterpret_cast<void*>(signal);
    if (request(PTRACE_SYSCALL, thread_, 0, data) != 0) return Stop::kGone;
    is_stopped_ = false;
    int status = 0;
    if (!wait_for_stop(until, &status)) return steady_clock::now() > until ? Stop::kTimeout : Stop::kGone;
    is_stopped_ = true;
    if (is_at_system_call(status)) return Stop::kSystemCall;
    if (status >> 16 == 0 && is_crash(status)) return Stop::kCrash;
    signal = status >> 16 == 0 ? signal_of(status) : 0;
  }
}

bool StoppedThread::put_back() {
  user_regs_struct registers = registers_now();
  registers.orig_rax = static_cast<unsigned long long>(-1);
  if (!set_registers(registers) || request(PTRACE_INTERRUPT, thread_, 0, nullptr) != 0) return false;
  if (request(PTRACE_CONT, thread_, 0, nullptr) != 0) return false;
  is_stopped_ = false;
  if (!wait_for_interruption(steady_clock::now() + std::chrono::seconds(5))) return false;
  return set_registers(registers_) && set_signal_mask(signal_mask_);
}

}  // namespace leakhunt::runner
