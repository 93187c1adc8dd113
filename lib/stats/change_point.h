// change_point: from where on a level rises.
#pragma once

#include <optional>
#include <span>

#include "lib/stats/trend.h"

namespace leakhunt::stats {

// The break of the line that is flat up to x and rises from there, by least squares over all points as
// breaks; nothing where a straight line is about as good: F is the least ratio of the squares that the break
// saves to those that remain, per degree of freedom. O(n^2). Source: D. V. Hinkley, "Inference in Two-Phase
// Regression", JASA 66 (1971).
std::optional<Point> hinge(std::span<const Point> points, double least_f);

}  // namespace leakhunt::stats
