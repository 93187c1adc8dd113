// schedule: how the learning rate moves through a training.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace leakhunt::trainer {

// Rises in a straight line to `peak` over the first `warm_up` iterations, then falls along half a cosine to
// `floor_share` of it at iteration `total`, and stays there.
struct Schedule {
  double peak;
  std::uint64_t warm_up;
  std::uint64_t total;
  double floor_share = 0.1;

  // The rate of iteration `number` (from 0).
  double rate(std::uint64_t number) const {
    if (number < warm_up) return peak * static_cast<double>(number + 1) / static_cast<double>(warm_up);
    constexpr double pi = 3.141592653589793;
    const double way =
        total > warm_up ? static_cast<double>(number - warm_up) / static_cast<double>(total - warm_up) : 1;
    const double height = (1 + std::cos(pi * std::min<double>(way, 1))) / 2;
    return peak * (floor_share + (1 - floor_share) * height);
  }

  // The usual one: the first tenth, at most 100 iterations, are the warm-up.
  static Schedule usual(double peak, std::uint64_t total) {
    return {.peak = peak, .warm_up = std::clamp<std::uint64_t>(total / 10, 1, 100), .total = total};
  }
};

}  // namespace leakhunt::trainer
