#include "lib/recording/budget.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cmath>
#include <map>

#include <fmt/format.h>

namespace leakhunt::recording {

namespace {

struct Unit {
  std::string_view name;  // lower case
  double bytes;
};
constexpr Unit kUnits[] = {{"", 1},
                           {"b", 1},
                           {"kb", 1e3},
                           {"mb", 1e6},
                           {"gb", 1e9},
                           {"tb", 1e12},
                           {"kib", 1024.0},
                           {"mib", 1048576.0},
                           {"gib", 1024.0 * 1048576.0},
                           {"tib", 1048576.0 * 1048576.0}};

std::string lower_case(std::string_view text) {
  std::string lower;
  for (const char letter : text) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return lower;
}

std::string_view without_spaces_around(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

std::string to_string(const Scope& scope) {
  std::string text;
  if (!scope.process.empty())
    text = scope.together ? fmt::format("all processes {} together", scope.process)
                          : fmt::format("each process {}", scope.process);
  if (scope.is_process()) return text.empty() ? "the process" : text;
  const auto add = [&](std::string_view kind, const std::string& pattern) {
    if (!pattern.empty()) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", kind, pattern);
  };
  add("tag", scope.tag);
  add("function", scope.function);
  add("file", scope.file);
  add("thread", scope.thread);
  return text;
}

std::string_view to_string(Cost cost) {
  constexpr std::array<std::string_view, kCosts> kNames = {"peak",
                                                           "end",
                                                           "blocks",
                                                           "growth",
                                                           "growth_blocks",
                                                           "allocations",
                                                           "allocations_per_second",
                                                           "iterations_per_second",
                                                           "lost",
                                                           "lost_blocks"};
  return kNames[static_cast<size_t>(cost)];
}

void name_limits(std::vector<Limit>& limits) {
  std::map<std::string, size_t> seen;
  for (Limit& limit : limits) {
    limit.name = fmt::format("{}: {}{}", to_string(limit.scope), to_string(limit.cost),
                             limit.percent ? " beside the baseline" : "");
    const size_t number = ++seen[limit.name];
    if (number > 1) limit.name += fmt::format(" ({})", number);
  }
}

std::string date_text(uint64_t days) {
  constexpr uint64_t kLastDay = 2'932'896;  // 9999-12-31
  const std::chrono::sys_days day{std::chrono::days(static_cast<int>(std::min(days, kLastDay)))};
  const std::chrono::year_month_day date{day};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

tl::expected<uint64_t, std::string> parse_bytes(std::string_view text) {
  const auto refuse = [&] {
    return tl::unexpected(
        fmt::format("\"{}\" is no amount of memory: write a number and B, kB, MB, GB, TB (thousands) or KiB, "
                    "MiB, GiB, TiB (1024s)",
                    text));
  };
  const std::string_view trimmed = without_spaces_around(text);
  double number = 0;
  const auto [rest, problem] =
      std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), number, std::chars_format::fixed);
  if (problem != std::errc{} || !std::isfinite(number) || std::signbit(number)) return refuse();
  const std::string unit_name =
      lower_case(without_spaces_around(trimmed.substr(static_cast<size_t>(rest - trimmed.data()))));
  for (const Unit& unit : kUnits) {
    if (unit.name != unit_name) continue;
    const double bytes = std::round(number * unit.bytes);
    if (bytes >= 0x1p63) return refuse();
    return static_cast<uint64_t>(bytes);
  }
  return refuse();
}

}  // namespace leakhunt::recording
