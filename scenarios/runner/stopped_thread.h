// stopped_thread: one thread of another process, held by ptrace for a moment. No signal is sent for it, so
// that neither the program nor its parent is told; the other threads run on.
//
// If we die while it is held, the kernel lets it go on with the registers that it has then.
#pragma once

#include <sys/types.h>
#include <sys/user.h>

#include <chrono>
#include <cstdint>
#include <string>

#include <tl/expected.hpp>

namespace leakhunt::runner {

class StoppedThread {
 public:
  // Stops it where it is; for at most `patience`, for it may be in a system call that cannot be interrupted.
  // The error is a phrase.
  static tl::expected<StoppedThread, std::string> stop(pid_t thread, std::chrono::milliseconds patience);

  // Lets it go on.
  ~StoppedThread();
  StoppedThread(StoppedThread&& other) noexcept;
  StoppedThread& operator=(StoppedThread&&) = delete;

  pid_t thread() const { return thread_; }

  // As they were when it stopped. Of a system call that our stop ended, they are those with which it will be
  // made again: nothing was meant for the program.
  const user_regs_struct& registers() const { return registers_; }
  uint64_t signal_mask() const { return signal_mask_; }
  // In the middle of what must be done in one go on one processor (rseq).
  bool is_in_restartable_sequence() const;

  bool set_registers(const user_regs_struct& registers) const;
  bool set_signal_mask(uint64_t mask) const;
  bool write_text(uint64_t address, const void* bytes, size_t count) const;  // count a multiple of 8

  // Runs until it is about to enter, or has just left, a system call. The error is a phrase; the thread may
  // have ended, or (with `crashed`) got a signal of its own making, which was kept back.
  enum class Stop { kSystemCall, kCrash, kTimeout, kGone };
  Stop run_to_system_call(std::chrono::steady_clock::time_point until);
  user_regs_struct registers_now() const;

  // From a stop at a system call, which is left out, to one like the first: where signals are delivered, and
  // system calls made again. Then puts registers and mask back to what they were.
  bool put_back();

 private:
  explicit StoppedThread(pid_t thread) : thread_(thread) {}
  bool wait_for_stop(std::chrono::steady_clock::time_point until, int* status) const;
  bool wait_for_interruption(std::chrono::steady_clock::time_point until);
  void take_registers();

  pid_t thread_;
  user_regs_struct registers_{};
  uint64_t signal_mask_ = 0;
  bool is_stopped_ = false;
};

}  // namespace leakhunt::runner
