// signal_watch: the signals that matter while a target runs, taken one at a time instead of at any moment.
#pragma once

#include <signal.h>

#include <chrono>
#include <optional>

namespace leakhunt::runner {

struct CaughtSignal {
  int number = 0;
  bool from_terminal = false;  // a key: the target, in the same group, got it as well
};

// While it lives SIGINT, SIGQUIT, SIGTERM and SIGHUP (but those that were ignored before) and SIGCHLD wait to
// be taken, and a closed pipe is an error code. One at a time, one thread. Made before the launch, so that no
// end is missed.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  // The next signal, waited for at most that long. A child's end wakes it with nothing.
  std::optional<CaughtSignal> wait(std::chrono::nanoseconds at_most);

 private:
  sigset_t watched_{};
  sigset_t mask_before_{};
  struct sigaction pipe_before_ {};
  struct sigaction child_before_ {};
};

}  // namespace leakhunt::runner
