#include "reports/formats/curve.h"

#include <algorithm>
#include <array>
#include <span>

#include <fmt/format.h>

#include "reports/formats/units.h"

namespace leakhunt::reports {

namespace {

constexpr size_t kScaleColumns = 11;  // "   12.3 MB ┤"
constexpr std::array<const char*, 9> kEighths = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

// The highest value of each of `columns` slices.
std::vector<int64_t> squeeze(std::span<const int64_t> values, size_t columns) {
  std::vector<int64_t> highest;
  for (size_t column = 0; column < columns; ++column) {
    const size_t begin = column * values.size() / columns;
    const size_t end = std::max(begin + 1, (column + 1) * values.size() / columns);
    const auto slice = values.subspan(begin, std::min(end, values.size()) - begin);
    highest.push_back(*std::max_element(slice.begin(), slice.end()));
  }
  return highest;
}

// A round number at or above `value`: 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6 or 8 times a power of ten.
int64_t round_up(int64_t value) {
  constexpr std::array<int64_t, 10> kTenths = {10, 12, 15, 20, 25, 30, 40, 50, 60, 80};
  int64_t power = 1;
  for (; power <= 100'000'000'000'000'000; power *= 10) {
    for (const int64_t tenths : kTenths) {
      if (tenths * power >= value * 10 && tenths * power % 10 == 0) return tenths * power / 10;
    }
  }
  return value;
}

struct Scale {
  int64_t top;
  size_t height;

  // Eighths of a row from the bottom.
  size_t eighths(int64_t value) const {
    const double share = static_cast<double>(std::max<int64_t>(value, 0)) / static_cast<double>(top);
    return static_cast<size_t>(share * 8 * static_cast<double>(height) + 0.5);
  }
  size_t row(int64_t value) const { return std::min(height - 1, eighths(value) / 8); }
};

}  // namespace

std::vector<std::string> draw_curve(const CurveData& data, size_t width, size_t height) {
  if (data.heap.empty() || width <= kScaleColumns) return {};
  const std::vector<int64_t> heap = squeeze(data.heap, width - kScaleColumns);
  const std::vector<int64_t> rss = squeeze(data.rss, width - kScaleColumns);
  int64_t highest = std::max<int64_t>(1, *std::max_element(heap.begin(), heap.end()));
  highest = std::max(highest, *std::max_element(rss.begin(), rss.end()));
  const bool budget_near = data.budget && *data.budget <= 2 * highest;
  if (budget_near) highest = std::max(highest, *data.budget);
  const Scale scale{round_up(highest), height};

  std::vector<std::string> lines;
  for (size_t row = height; row-- > 0;) {
    const bool labelled = row == height - 1 || row == height / 2 || row == 0;
    const int64_t value =
        row == height - 1 ? scale.top : scale.top / static_cast<int64_t>(height) * static_cast<int64_t>(row);
    std::string line = fmt::format("{:>9} {}", labelled ? human_bytes(value) : "", labelled ? "┤" : "│");
    for (size_t column = 0; column < heap.size(); ++column) {
      const size_t filled =
          std::min<size_t>(8, scale.eighths(heap[column]) - std::min(scale.eighths(heap[column]), row * 8));
      const bool on_budget = budget_near && scale.row(*data.budget) == row;
      const bool on_rss = scale.row(rss[column]) == row && rss[column] > 0;
      line += filled > 0 ? kEighths[filled] : on_rss ? "·" : on_budget ? "╌" : " ";
    }
    while (line.ends_with(' ')) line.pop_back();
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace leakhunt::reports
