#include <benchmark/benchmark.h>

#include "instrument/integrations/google_benchmark_memory.h"

const bool kMemoryIsCounted = leakhunt::count_benchmark_memory();

// So many blocks of 1,000 bytes in each iteration, one after the other.
static void Blocks(benchmark::State& state) {
  for (auto _ : state) {
    for (int64_t i = 0; i < state.range(0); ++i) {
      char* block = new char[1000];
      benchmark::DoNotOptimize(block);
      delete[] block;
    }
  }
}
BENCHMARK(Blocks)->Iterations(8)->Arg(0)->Arg(2);
