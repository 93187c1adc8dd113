// google_benchmark_memory: allocations, peak and growth of Google Benchmark's benchmarks. In one
// file:
//
//   #include "instrument/integrations/google_benchmark_memory.h"
//   const bool kMemoryIsCounted = leakhunt::count_benchmark_memory();
//
// and then   leakhunt run -- ./benchmarks --benchmark_format=json
//
// Google Benchmark makes one more run of at most 16 iterations of every benchmark for it, and reports
// allocs_per_iter, max_bytes_used, total_allocated_bytes and net_heap_growth. Without leakhunt, nothing
// happens.
#pragma once

#include <benchmark/benchmark.h>
#include <stdint.h>

#include "instrument/leakhunt.h"

namespace leakhunt {

// One thread at a time, as Google Benchmark calls it. Allocations of other threads of the process count as
// well.
class BenchmarkMemoryManager : public benchmark::MemoryManager {
 public:
  void Start() override { leakhunt_heap_use(&before_, 1); }

  void Stop(Result& result) override {
    leakhunt_heap_counters after{};
    if (leakhunt_heap_use(&after, 0) == 0) return;
    const int64_t live_before = static_cast<int64_t>(before_.allocated_bytes - before_.freed_bytes);
    result.num_allocs = static_cast<int64_t>(after.allocations - before_.allocations);
    result.total_allocated_bytes = static_cast<int64_t>(after.allocated_bytes - before_.allocated_bytes);
    result.net_heap_growth = static_cast<int64_t>(after.allocated_bytes - after.freed_bytes) - live_before;
    result.max_bytes_used = static_cast<int64_t>(after.peak_live_bytes) - live_before;
  }
  void Stop(Result* result) override { Stop(*result); }  // how it was called up to version 1.7

 private:
  leakhunt_heap_counters before_{};
};

// Registers it, if the program runs under leakhunt. Call it once, before the benchmarks run.
inline bool count_benchmark_memory() {
  static BenchmarkMemoryManager manager;
  if (!leakhunt_heap_use) return false;
  benchmark::RegisterMemoryManager(&manager);
  return true;
}

}  // namespace leakhunt
