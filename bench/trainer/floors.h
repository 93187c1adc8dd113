// floors: what one core of this machine can do at best, as far as a trainer is concerned.
#pragma once

#include <cstddef>

namespace leakhunt::bench {

// Floating-point operations per second of a loop of independent fused multiplications and additions (two
// operations each) on the widest vectors of this processor, in the trainer's precision: the fastest of
// several tries.
double multiplications_per_second();

// The seconds it takes to read and write what one step of Adam must for `parameters` parameters (reads
// gradient, parameter, m and v; writes the last three) with next to no arithmetic: the fastest of several
// tries.
double seconds_of_adam_bytes(std::size_t parameters);

}  // namespace leakhunt::bench
