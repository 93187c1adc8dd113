#include "reports/formats/units.h"

#include <array>
#include <cmath>

#include <fmt/format.h>

namespace leakhunt::reports {

namespace {

// Three significant digits and a unit; `bytes` >= 0.
std::string scaled(double bytes) {
  constexpr std::array<const char*, 7> kUnits = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  size_t unit = 0;
  while (bytes >= 999.5 && unit + 1 < kUnits.size()) {
    bytes /= 1000;
    ++unit;
  }
  const int decimals = bytes >= 99.95 ? 0 : bytes >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f} {}", bytes, decimals, kUnits[unit]);
}

std::string without_trailing_zeros(std::string number) {
  if (number.find('.') == std::string::npos) return number;
  while (number.back() == '0') number.pop_back();
  if (number.back() == '.') number.pop_back();
  return number;
}

}  // namespace

std::string human_count(int64_t count) {
  std::string digits = std::to_string(count);
  const size_t first = count < 0 ? 1 : 0;
  for (size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string human_bytes(int64_t bytes) {
  if (std::abs(bytes) < 10000) return human_count(bytes) + " B";
  return (bytes < 0 ? "-" : "") + scaled(std::abs(static_cast<double>(bytes)));
}

std::string human_slope(double bytes) {
  if (bytes == 0) return "0";
  const double size = std::abs(bytes);
  const std::string text = size < 10000 ? human_number(size) + " B" : scaled(size);
  return (bytes < 0 ? "-" : "+") + text;
}

std::string human_number(double value) {
  if (value == 0) return "0";
  if (std::abs(value) < 0.001) return fmt::format("{:.1e}", value);
  if (std::abs(value) < 1000) return without_trailing_zeros(fmt::format("{:.3f}", value));
  return human_count(static_cast<int64_t>(std::llround(value)));
}

std::string human_rate(double per_second) {
  if (per_second >= 1000) return human_count(static_cast<int64_t>(std::llround(per_second)));
  return fmt::format("{:.{}f}", per_second, per_second >= 99.95 ? 0 : per_second >= 9.995 ? 1 : 2);
}

std::string human_duration(double seconds) {
  if (seconds < 9.995) return fmt::format("{:.2f} s", seconds);
  if (seconds < 119.5) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 7200) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace leakhunt::reports
