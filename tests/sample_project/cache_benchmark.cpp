#include <benchmark/benchmark.h>

#include "instrument/integrations/google_benchmark_memory_manager.h"

const bool kMemoryIsCounted = leakhunt::count_benchmark_memory();

// Two blocks of 1,000 bytes in each iteration, one after the other.
static void TwoBlocks(benchmark::State& state) {
  for (auto _ : state) {
    for (int i = 0; i < 2; ++i) {
      char* block = new char[1000];
      benchmark::DoNotOptimize(block);
      delete[] block;
    }
  }
}
BENCHMARK(TwoBlocks)->Iterations(8);
