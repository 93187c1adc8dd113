// guard: when the target has to be stopped, and how. Decides only; watch.cpp looks and sends the signals.
//
//   running --ceiling or timeout--> asked (SIGTERM) --2 s, or 1.25 x the ceiling--> killed (SIGKILL)
//   running --no longer needed--> asked --60 s, or 1.25 x the ceiling--> killed
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "scenarios/runner/signal_watch.h"

namespace leakhunt::runner {

struct GuardLimits {
  std::optional<uint64_t> ceiling_bytes;            // of resident memory
  std::optional<std::chrono::nanoseconds> timeout;  // since the start
  // The target is at the keyboard itself: what a key sends it is its own business, and one that it outlives
  // by kOutlived did not end it.
  bool target_has_terminal = false;
};

// What the guard is told at each look.
struct Sight {
  std::chrono::nanoseconds since_start{};
  uint64_t rss_bytes = 0;
  uint64_t iterations = 0;  // completed
};

class Guard {
 public:
  static constexpr std::chrono::nanoseconds kPatience = std::chrono::seconds(2);
  // Of a program that is only no longer needed, and ends when its iteration does.
  static constexpr std::chrono::nanoseconds kPolitePatience = std::chrono::seconds(60);
  static constexpr std::chrono::nanoseconds kOutlived = std::chrono::seconds(5);

  explicit Guard(const GuardLimits& limits) : limits_(limits) {}

  // The signal to send to the target now; 0: none.
  int look(const Sight& sight);

  // What the target still does is not needed. The signal to send to it; 0: it was asked already.
  int end_politely(std::string reason, std::chrono::nanoseconds since_start);

  // A signal that was meant for the command. The signal to send on; 0: none.
  int take(const CaughtSignal& caught, std::chrono::nanoseconds since_start);

  // Why the target was stopped, for Outcome::stopped_for; empty: it was not.
  const std::string& stopped_for() const { return stopped_for_; }
  // The signal that the command is ended by; 0: none.
  int interrupted_by() const { return interrupted_by_; }

 private:
  int stop(std::string reason, std::chrono::nanoseconds now);

  GuardLimits limits_;
  std::string stopped_for_;
  std::optional<std::chrono::nanoseconds> asked_at_;  // SIGTERM for a limit
  std::chrono::nanoseconds patience_ = kPatience;
  bool killed_ = false;
  int interrupted_by_ = 0;
  bool interrupted_by_key_ = false;
  std::chrono::nanoseconds interrupted_at_{};
};

}  // namespace leakhunt::runner
