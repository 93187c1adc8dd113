// Adam without waiting for roots: the square root unit needs 2 cycles an element and the division unit more
// than one, while the multipliers have nothing to do.
//
// sqrt(v) is an approximation to 14 bits, made exact to the last place by Newton's iteration (Markstein,
// "IA-64 and elementary functions", 9.4); each step doubles the bits. The division is left to its unit in
// double precision, which then works beside the multipliers, and made the same way in single precision, where
// one step is enough.
#include <immintrin.h>

#include "lib/trainer/kernels.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {
namespace kernels {
namespace {

constexpr Index width = 64 / sizeof(Real);

// All elements. Without a mask GCC 12 believes that an estimate depends on something uninitialized.
constexpr __mmask8 all_8 = 0xff;
constexpr __mmask16 all_16 = 0xffff;

// A vector that may lie anywhere in memory.
typedef Real Vector __attribute__((vector_size(64), aligned(sizeof(Real)), may_alias));

Vector& at(Real* place) {
  return *reinterpret_cast<Vector*>(place);
}
const Vector& at(const Real* place) {
  return *reinterpret_cast<const Vector*>(place);
}

// The root of 0 is not to be 0 times infinity: a number whose root is nothing beside any epsilon stands for
// it.
[[maybe_unused]] __m512d square_root(__m512d x) {
  x = x > 1e-300 ? x : __m512d{} + 1e-300;
  const __m512d estimate = _mm512_maskz_rsqrt14_pd(all_8, x);
  __m512d root = x * estimate;
  __m512d half = 0.5 * estimate;  // 1 / (2 root)
  const __m512d error = 0.5 - half * root;
  root = root + root * error;
  half = half + half * error;
  return root + (x - root * root) * half;
}

[[maybe_unused]] __m512 square_root(__m512 x) {
  x = x > 1e-37F ? x : __m512{} + 1e-37F;
  const __m512 estimate = _mm512_maskz_rsqrt14_ps(all_16, x);
  const __m512 root = x * estimate;
  return root + (x - root * root) * (0.5F * estimate);
}

[[maybe_unused]] __m512d quotient(__m512d a, __m512d b) {
  return a / b;
}

[[maybe_unused]] __m512 quotient(__m512 a, __m512 b) {
  const __m512 estimate = _mm512_maskz_rcp14_ps(all_16, b);
  const __m512 q = a * estimate;
  return q + (a - q * b) * estimate;
}

__attribute__((always_inline)) inline void step_vector(const AdamStep& s, const Real* gradients, Real* m,
                                                       Real* v, Real* parameters) {
  const Vector g = at(gradients);
  const Vector new_m = s.beta1 * at(m) + (1 - s.beta1) * g;
  const Vector new_v = s.beta2 * at(v) + (1 - s.beta2) * g * g;
  at(m) = new_m;
  at(v) = new_v;
  at(parameters) -= quotient(s.rate * new_m, square_root(new_v) * s.root_scale + s.epsilon);
}

}  // namespace

void adam_avx512(Index length, const AdamStep& step, const Real* gradients, Real* m, Real* v,
                 Real* parameters) {
  const AdamStep s = step;
  const Index whole = length - length % width;
  for (Index i = 0; i < whole; i += width) step_vector(s, gradients + i, m + i, v + i, parameters + i);
  if (whole == length) return;
  Real rest[4][width] = {};  // the last elements, outside of the arrays: the same operations for all
  Real* const arrays[] = {m, v, parameters};
  for (Index i = whole; i < length; ++i) {
    rest[3][i - whole] = gradients[i];
    for (int array = 0; array < 3; ++array) rest[array][i - whole] = arrays[array][i];
  }
  step_vector(s, rest[3], rest[0], rest[1], rest[2]);
  for (Index i = whole; i < length; ++i) {
    for (int array = 0; array < 3; ++array) arrays[array][i] = rest[array][i - whole];
  }
}

}  // namespace kernels
}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
