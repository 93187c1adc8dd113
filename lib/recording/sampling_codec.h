// The record that says how far blocks are only a sample: encoded by the target, decoded by the host.
#pragma once

#include "lib/recording/codec.h"

namespace leakhunt::recording {

// Memory for the tracker is short. It belongs to the snapshot behind it, and a later one replaces it.
struct SamplingRecord {
  uint64_t iteration;       // iterations or ticks completed when it came to this
  uint64_t interval_bytes;  // a power of two; 0: every block is tracked
  bool stacks_end;          // of new call sites only tag and kind are known from here on
  uint64_t error;           // errno of what was refused
  // Of all blocks, tracked or not, since the first record of them that has an interval. Exact.
  uint64_t allocations;
  uint64_t allocated_bytes;
  uint64_t frees;
  uint64_t group_limit_bytes;  // of the control group for whose sake memory is short; 0: it is not that
};

void encode(Encoder& out, const SamplingRecord& record);
SamplingRecord decode_sampling(Decoder& in);

}  // namespace leakhunt::recording
