// periodicity: the exact road. Counters of a deterministic program repeat to the byte; where they do, a slope
// is a quotient of two integers and needs no statistics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace leakhunt::stats {

// The tail of a series in which its increments repeat.
struct PeriodicTail {
  size_t first = 0;    // index in the series where it begins: series[first] is its level before any increment
  size_t period = 0;   // in steps
  int64_t net = 0;     // what one period adds
  size_t repeats = 0;  // whole periods in it
};

// The longest tail whose increments repeat at least `min_repeats` times, with its smallest period: a constant
// series has period 1 and net 0, a straight line period 1, a sawtooth its period and net 0. Nothing when
// there is none. O(n) time and memory: the prefix function of the reversed increments (Knuth, Morris, Pratt
// 1977).
std::optional<PeriodicTail> periodic_tail(std::span<const int64_t> series, size_t min_repeats);

}  // namespace leakhunt::stats
