#include "bench/trainer/floors.h"

#include <algorithm>
#include <vector>

#include "bench/trainer/cpu_clock.h"
#include "lib/trainer/kernels.h"
#include "lib/trainer/precision.h"
#include "lib/trainer/tiled_blas.h"

#define LEAKHUNT_INLINE __attribute__((always_inline)) inline

namespace leakhunt::bench {
namespace {

using trainer::Real;

constexpr int chains = 12;  // independent, more than the pipes times their latency
constexpr long turns = 100'000;

// Returns something that depends on everything, so that nothing is left out.
template <typename Vector>
LEAKHUNT_INLINE Real multiply_and_add() {
  Vector sums[chains];
  Vector factor = Vector{} + Real(0.999);
  Vector summand = Vector{} + Real(0.001);
#pragma GCC unroll 12
  for (Vector& sum : sums) {
    sum = summand;
    __asm__("" : "+m"(sum));  // no telling that all chains are alike: they would become one
  }
  for (long turn = 0; turn < turns; ++turn) {
#pragma GCC unroll 12
    for (Vector& sum : sums) sum = sum * factor + summand;
  }
  Vector all = sums[0];
#pragma GCC unroll 12
  for (Vector& sum : sums) all += sum;
  return all[0];
}

template <std::size_t Bytes>
struct Vectors {
  typedef Real type __attribute__((vector_size(Bytes)));
};

#if defined(__x86_64__)
__attribute__((target("avx512f,fma"))) Real with_64_bytes() {
  return multiply_and_add<Vectors<64>::type>();
}
__attribute__((target("avx2,fma"))) Real with_32_bytes() {
  return multiply_and_add<Vectors<32>::type>();
}
#endif
Real with_16_bytes() {
  return multiply_and_add<Vectors<16>::type>();
}

struct Loop {
  Real (*run)();
  std::size_t bytes;
};

Loop widest() {
#if defined(__x86_64__)
  if (trainer::best_instruction_set() == trainer::InstructionSet::avx512) return {with_64_bytes, 64};
  if (trainer::best_instruction_set() == trainer::InstructionSet::avx2) return {with_32_bytes, 32};
#endif
  return {with_16_bytes, 16};
}

}  // namespace

double multiplications_per_second() {
  const Loop loop = widest();
  double best = 1e9;
  volatile Real sink = 0;
  for (int i = 0; i < 300; ++i) {
    const double start = cpu_seconds();
    sink = loop.run();
    best = std::min(best, cpu_seconds() - start);
  }
  (void)sink;
  const std::size_t width = loop.bytes / sizeof(Real);
  return 2.0 * chains * turns * static_cast<double>(width) / best;
}

double seconds_of_adam_bytes(std::size_t parameters) {
  std::vector<Real> gradient(parameters), value(parameters), m(parameters), v(parameters);
  constexpr std::size_t piece = 512;  // small enough that a gradient is still at hand when it is added again
  double best = 1e9;
  for (int i = 0; i < 20; ++i) {
    const double start = cpu_seconds();
    for (std::size_t at = 0; at < parameters; at += piece) {
      const std::size_t length = std::min(piece, parameters - at);
      for (std::vector<Real>* sums : {&value, &m, &v})
        trainer::kernels::add(length, &gradient[at], &(*sums)[at]);
    }
    best = std::min(best, cpu_seconds() - start);
  }
  return best;
}

}  // namespace leakhunt::bench
