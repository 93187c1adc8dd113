// curve: live heap and RSS over the clock, as a small chart of characters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace leakhunt::reports {

struct CurveData {
  std::vector<int64_t> heap;      // one value a point: filled area
  std::vector<int64_t> rss;       // as long: dots above it
  std::optional<int64_t> budget;  // drawn as a line where it is at most twice the highest value
};

// Lines of the chart from top to bottom, with the scale on the left; each at most `width` columns. Every
// column shows the highest value of its points. Empty when there are no points.
std::vector<std::string> draw_curve(const CurveData& data, size_t width, size_t height);

}  // namespace leakhunt::reports
