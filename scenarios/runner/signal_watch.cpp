#include "scenarios/runner/signal_watch.h"

#include <ctime>

namespace leakhunt::runner {

SignalWatch::SignalWatch() {
  sigemptyset(&watched_);
  sigaddset(&watched_, SIGCHLD);
  for (const int number : {SIGINT, SIGQUIT, SIGTERM, SIGHUP}) {
    struct sigaction now {};
    sigaction(number, nullptr, &now);
    if (now.sa_handler != SIG_IGN) sigaddset(&watched_, number);  // nohup, or a shell's background
  }
  struct sigaction action {};
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, &pipe_before_);
  action.sa_handler = SIG_DFL;  // an ignored SIGCHLD would take the target's end from wait4
  sigaction(SIGCHLD, &action, &child_before_);
  sigprocmask(SIG_BLOCK, &watched_, &mask_before_);
}

SignalWatch::~SignalWatch() {
  const timespec at_once{};
  while (sigtimedwait(&watched_, nullptr, &at_once) > 0) {
  }
  sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
  sigaction(SIGPIPE, &pipe_before_, nullptr);
  sigaction(SIGCHLD, &child_before_, nullptr);
}

std::optional<CaughtSignal> SignalWatch::wait(std::chrono::nanoseconds at_most) {
  const timespec timeout{static_cast<time_t>(at_most.count() / 1'000'000'000),
                         static_cast<long>(at_most.count() % 1'000'000'000)};
  siginfo_t info{};
  const int number = sigtimedwait(&watched_, &info, &timeout);
  if (number <= 0 || number == SIGCHLD) return std::nullopt;
  return CaughtSignal{number, info.si_code == SI_KERNEL};
}

}  // namespace leakhunt::runner
