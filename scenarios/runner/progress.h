// progress: what a person sees while a scenario runs. A bar on a terminal, a line now and then in a pipe or a
// log.
//
//   long_small  ━━━━━━━━──────────  5,120/10,000  104 it/s  48.9 MB/5.00 GB  +0 B/it  47 s left
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace leakhunt::runner {

// A moment of a run.
struct Moment {
  std::string name;
  uint64_t iterations = 0;  // completed
  uint64_t total = 0;       // 0: not known
  std::optional<double> iterations_per_second;
  uint64_t rss_bytes = 0;
  std::optional<uint64_t> budget_bytes;
  std::optional<double> growth;  // bytes of live heap per iteration since warm-up
  std::chrono::nanoseconds elapsed{};

  std::optional<std::chrono::nanoseconds> left() const;
};

// At most `columns` wide: the bar gives way first, then the figures from the right.
std::string draw_bar(const Moment& moment, size_t columns, bool colours);
std::string draw_line(const Moment& moment);

enum class ProgressStyle { kNone, kBar, kLines };

// A bar for a terminal that can redraw (not TERM=dumb), lines for everything else.
ProgressStyle style_for(int file);

// Writes to one file descriptor. The last call is finish().
class Progress {
 public:
  // Colours on a bar only, and not with NO_COLOR.
  Progress(int file, ProgressStyle style);

  // How often show() is worth a call.
  std::chrono::milliseconds interval() const;
  void show(const Moment& moment);
  // Takes the bar away; writes the last line.
  void finish(const Moment& moment);

 private:
  void write_all(const std::string& text) const;

  int file_;
  ProgressStyle style_;
  bool colours_;
  std::optional<std::chrono::nanoseconds> last_line_;
  bool bar_is_shown_ = false;
};

}  // namespace leakhunt::runner
