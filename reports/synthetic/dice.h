// dice: seeded randomness that is the same on every machine, which the distributions of <random> are not.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace leakhunt::reports::synthetic {

class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}

  // splitmix64. Source: G. L. Steele, D. Lea, C. H. Flood, "Fast Splittable Pseudorandom Number Generators",
  // OOPSLA 2014.
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }  // 0 <= x < 1
  double between(double low, double high) { return low + (high - low) * unit(); }
  double log_between(double low, double high) { return std::exp(between(std::log(low), std::log(high))); }
  int64_t whole(int64_t low, int64_t high) {  // both may come
    return low + static_cast<int64_t>(unit() * static_cast<double>(high - low + 1));
  }
  int64_t log_whole(int64_t low, int64_t high) {
    return static_cast<int64_t>(
        std::floor(log_between(static_cast<double>(low), static_cast<double>(high) + 1)));
  }
  bool chance(double probability) { return unit() < probability; }
  double normal() {  // Box and Muller
    return std::sqrt(-2 * std::log(1 - unit())) * std::cos(6.283185307179586 * unit());
  }
  int64_t poisson(double mean) {  // Knuth; for small means
    const double limit = std::exp(-mean);
    int64_t count = 0;
    for (double product = unit(); product > limit; product *= unit()) ++count;
    return count;
  }
  // Index into an array of `count`.
  size_t index(size_t count) { return static_cast<size_t>(unit() * static_cast<double>(count)); }

 private:
  uint64_t state_;
};

}  // namespace leakhunt::reports::synthetic
