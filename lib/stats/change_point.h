// change_point: from where on a level rises.
#pragma once

#include <optional>
#include <span>

#include "lib/stats/trend.h"

namespace leakhunt::stats {

// The break of the line that is flat up to x and rises from there, by least squares over all points as
// breaks; nothing where a straight line is as good (less than a factor of 2 in the squares) or the break is
// the first point. O(n^2). Source: D. V. Hinkley, "Inference in Two-Phase Regression", JASA 66 (1971).
std::optional<Point> hinge(std::span<const Point> points);

}  // namespace leakhunt::stats
