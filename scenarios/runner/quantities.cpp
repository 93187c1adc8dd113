#include "scenarios/runner/quantities.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace leakhunt::runner {

namespace {

struct TimeUnit {
  std::string_view name;
  double seconds;
};
constexpr TimeUnit kTimeUnits[] = {{"ms", 1e-3}, {"s", 1},       {"sec", 1},  {"min", 60},
                                   {"m", 60},    {"h", 60 * 60}, {"d", 86400}};
constexpr double kLongest = 1e9;  // seconds: far beyond any run, and within an int64 of nanoseconds

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

std::string human_bytes(uint64_t bytes) {
  if (bytes < 1'000) return fmt::format("{} B", bytes);
  if (bytes < 10'000) return fmt::format("{},{:03} B", bytes / 1'000, bytes % 1'000);
  double value = static_cast<double>(bytes);
  const char* unit = "B";
  for (const char* next : {"kB", "MB", "GB", "TB", "PB", "EB"}) {
    if (value < 999.5) break;
    value /= 1000;
    unit = next;
  }
  return fmt::format("{:.{}f} {}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0, unit);
}

std::string human_rate(double per_second) {
  return fmt::format("{:.{}f}", per_second, per_second < 9.995 ? 2 : per_second < 99.95 ? 1 : 0);
}

std::string human_duration(std::chrono::nanoseconds time) {
  const auto seconds = std::chrono::round<std::chrono::seconds>(time).count();
  if (time < std::chrono::milliseconds(100)) return fmt::format("{} ms", time / std::chrono::milliseconds(1));
  if (time < std::chrono::milliseconds(9950)) {
    return fmt::format("{:.1f} s", std::chrono::duration<double>(time).count());
  }
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min {:02} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {:02} min", seconds / 3600, seconds % 3600 / 60);
}

tl::expected<std::chrono::nanoseconds, std::string> parse_duration(std::string_view text) {
  const std::string_view words = trimmed(text);
  double number = 0;
  const auto [rest, problem] = std::from_chars(words.data(), words.data() + words.size(), number);
  const std::string_view unit = trimmed(words.substr(static_cast<size_t>(rest - words.data())));
  for (const TimeUnit& known : kTimeUnits) {
    if (problem != std::errc{} || unit != known.name) continue;
    const double seconds = number * known.seconds;
    if (!(seconds > 0) || seconds > kLongest) break;
    return std::chrono::nanoseconds(std::llround(seconds * 1e9));
  }
  return tl::unexpected(fmt::format(
      "\"{}\" is no duration: write a positive number and ms, s, min, h or d, as in \"90s\"", text));
}

}  // namespace leakhunt::runner
