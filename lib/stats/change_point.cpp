#include "lib/stats/change_point.h"

#include <algorithm>
#include <functional>

namespace leakhunt::stats {

namespace {

struct Fit {
  double squares = 0;
  double level = 0;
  double slope = 0;
};

// Least squares of y = level + slope * feature(x).
Fit fit(std::span<const Point> points, const std::function<double(double)>& feature) {
  const double n = static_cast<double>(points.size());
  double mean_f = 0;
  double mean_y = 0;
  for (const Point& point : points) {
    mean_f += feature(point.x) / n;
    mean_y += point.y / n;
  }
  double ff = 0;
  double fy = 0;
  for (const Point& point : points) {
    ff += (feature(point.x) - mean_f) * (feature(point.x) - mean_f);
    fy += (feature(point.x) - mean_f) * (point.y - mean_y);
  }
  Fit result;
  result.slope = ff > 0 ? fy / ff : 0;
  result.level = mean_y - result.slope * mean_f;
  for (const Point& point : points) {
    const double off = point.y - result.level - result.slope * feature(point.x);
    result.squares += off * off;
  }
  return result;
}

}  // namespace

std::optional<Point> hinge(std::span<const Point> points, double least_f) {
  if (points.size() < 4) return std::nullopt;
  const Fit line = fit(points, [](double x) { return x; });
  std::optional<Point> best;
  double least = line.squares / (1 + least_f / static_cast<double>(points.size() - 3));
  for (size_t i = 1; i + 2 < points.size(); ++i) {
    const double at = points[i].x;
    const Fit bent = fit(points, [at](double x) { return std::max(0.0, x - at); });
    if (bent.squares >= least) continue;
    least = bent.squares;
    best = Point{at, bent.level};
  }
  return best;
}

}  // namespace leakhunt::stats
