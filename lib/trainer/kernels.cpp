#include "lib/trainer/kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "lib/trainer/tiled_blas.h"

// Each function is compiled for three generations of x86-64; the dynamic loader binds the best one. The
// sanitizers' runtime is not ready when the loader asks, so they get the plain version.
#if defined(__x86_64__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define LEAKHUNT_VERSIONS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LEAKHUNT_VERSIONS
#endif
#define LEAKHUNT_INLINE __attribute__((always_inline)) inline

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {
namespace kernels {
namespace {

// exp, of the two that of the precision at hand, without branches or tables, so that it vectorises: x = k ln
// 2 + r, |r| <= ln 2 / 2, the Taylor polynomial of degree 13 in r (error below one unit in the last place of
// a double), then k is added to the exponent.
[[maybe_unused]] LEAKHUNT_INLINE double exponential(double x) {
  constexpr double log2_e = 1.4426950408889634074;
  constexpr double ln2_high = 6.93147180369123816490e-01;
  constexpr double ln2_low = 1.90821492927058770002e-10;
  constexpr double round_to_integer = 0x1.8p52;  // adding it leaves the integer in the low bits
  x = x < -708.0 ? -708.0 : x;
  x = x > 709.0 ? 709.0 : x;
  const double shifted = x * log2_e + round_to_integer;
  const double k = shifted - round_to_integer;
  const double r = (x - k * ln2_high) - k * ln2_low;
  double p = 1.0 / 6227020800.0;
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  const auto exponent = std::bit_cast<std::uint64_t>(shifted) << 52;  // the rest of `shifted` is pushed out
  return std::bit_cast<double>(std::bit_cast<std::uint64_t>(p) + exponent);
}

// The same for a float: degree 7.
[[maybe_unused]] LEAKHUNT_INLINE float exponential(float x) {
  constexpr float log2_e = 1.44269504F;
  constexpr float ln2_high = 0x1.62e4p-1F;
  constexpr float ln2_low = 0x1.7f7d1cp-20F;
  constexpr float round_to_integer = 0x1.8p23F;
  x = x < -87.0F ? -87.0F : x;
  x = x > 88.0F ? 88.0F : x;
  const float shifted = x * log2_e + round_to_integer;
  const float k = shifted - round_to_integer;
  const float r = (x - k * ln2_high) - k * ln2_low;
  float p = 1.0F / 5040.0F;
  p = p * r + 1.0F / 720.0F;
  p = p * r + 1.0F / 120.0F;
  p = p * r + 1.0F / 24.0F;
  p = p * r + 1.0F / 6.0F;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  const auto exponent = std::bit_cast<std::uint32_t>(shifted) << 23;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(p) + exponent);
}

}  // namespace

LEAKHUNT_VERSIONS Real exp_shifted(Index length, const Real* in, Real shift, Real* out) {
  Real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (Index i = 0; i < length; ++i) {
    const Real e = exponential(in[i] - shift);
    out[i] = e;
    sum += e;
  }
  return sum;
}

LEAKHUNT_VERSIONS Real maximum(Index length, const Real* values) {
  Real largest = values[0];
#pragma omp simd reduction(max : largest)
  for (Index i = 0; i < length; ++i) largest = values[i] > largest ? values[i] : largest;
  return largest;
}

LEAKHUNT_VERSIONS void scale(Index length, Real factor, Real* values) {
  for (Index i = 0; i < length; ++i) values[i] *= factor;
}

void scale_or_clear(Index length, Real factor, Real* values) {
  if (factor == 0) {
    std::fill_n(values, length, Real{0});
  } else if (factor != 1) {
    scale(length, factor, values);
  }
}

LEAKHUNT_VERSIONS void add(Index length, const Real* __restrict values, Real* __restrict sums) {
  for (Index i = 0; i < length; ++i) sums[i] += values[i];
}

LEAKHUNT_VERSIONS void add_scaled(Index length, Real factor, const Real* __restrict values,
                                  Real* __restrict sums) {
  for (Index i = 0; i < length; ++i) sums[i] += factor * values[i];
}

LEAKHUNT_VERSIONS void multiply(Index length, const Real* __restrict factors, Real* __restrict values) {
  for (Index i = 0; i < length; ++i) values[i] *= factors[i];
}

LEAKHUNT_VERSIONS Real dot(Index length, const Real* a, const Real* b) {
  Real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (Index i = 0; i < length; ++i) sum += a[i] * b[i];
  return sum;
}

// gelu(x) = x s(2u), u = sqrt(2 / pi) (x + 0.044715 x^3), s the logistic function: x (1 + tanh u) / 2 written
// with one exponential. gelu'(x) = s + x s (1 - s) 2u'.
LEAKHUNT_VERSIONS void gelu_and_derivative(Index length, Real* __restrict in, Real* __restrict out) {
  constexpr auto twice_root = static_cast<Real>(1.5957691216057307);  // 2 sqrt(2 / pi)
  constexpr auto cubic = static_cast<Real>(0.044715);
#pragma omp simd
  for (Index i = 0; i < length; ++i) {
    const Real x = in[i];
    const Real s = 1 / (1 + exponential(-twice_root * x * (1 + cubic * x * x)));
    out[i] = x * s;
    in[i] = s + x * s * (1 - s) * twice_root * (1 + 3 * cubic * x * x);
  }
}

LEAKHUNT_VERSIONS void softmax_backward(Index length, const Real* __restrict p, Real factor,
                                        Real* __restrict d) {
  Real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (Index j = 0; j < length; ++j) sum += p[j] * d[j];
#pragma omp simd
  for (Index j = 0; j < length; ++j) d[j] = factor * p[j] * (d[j] - sum);
}

LEAKHUNT_VERSIONS void normalize(Index length, const Real* __restrict in, const Real* __restrict gain,
                                 const Real* __restrict offset, Real* __restrict out,
                                 Real* __restrict saved) {
  constexpr auto epsilon = static_cast<Real>(1e-5);
  const Real count = static_cast<Real>(length);
  Real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (Index i = 0; i < length; ++i) sum += in[i];
  const Real mean = sum / count;
  Real squares = 0;
#pragma omp simd reduction(+ : squares)
  for (Index i = 0; i < length; ++i) squares += (in[i] - mean) * (in[i] - mean);
  const Real inverse = 1 / std::sqrt(squares / count + epsilon);
  saved[0] = mean;
  saved[1] = inverse;
#pragma omp simd
  for (Index i = 0; i < length; ++i) out[i] = (in[i] - mean) * inverse * gain[i] + offset[i];
}

// With n = (in - mean) inverse and g = out_grad gain:  in_grad += inverse (g - mean(g) - n mean(g n)).
LEAKHUNT_VERSIONS void normalize_backward(Index length, const Real* __restrict in,
                                          const Real* __restrict saved, const Real* __restrict gain,
                                          const Real* __restrict out_grad, Real* __restrict row,
                                          Real* __restrict in_grad, Real* __restrict gain_grad,
                                          Real* __restrict offset_grad) {
  const Real mean = saved[0];
  const Real inverse = saved[1];
  Real sum = 0;
  Real product = 0;
#pragma omp simd reduction(+ : sum, product)
  for (Index i = 0; i < length; ++i) {
    const Real n = (in[i] - mean) * inverse;
    const Real g = out_grad[i] * gain[i];
    row[i] = g;
    sum += g;
    product += g * n;
    gain_grad[i] += out_grad[i] * n;
    offset_grad[i] += out_grad[i];
  }
  const Real count = static_cast<Real>(length);
  const Real mean_g = sum / count;
  const Real mean_gn = product / count;
#pragma omp simd
  for (Index i = 0; i < length; ++i) {
    in_grad[i] += inverse * (row[i] - mean_g - (in[i] - mean) * inverse * mean_gn);
  }
}

LEAKHUNT_VERSIONS void adam_portable(Index length, const AdamStep& step, const Real* __restrict gradients,
                                     Real* __restrict m, Real* __restrict v, Real* __restrict parameters) {
  const AdamStep s = step;
#pragma omp simd
  for (Index i = 0; i < length; ++i) {
    const Real g = gradients[i];
    m[i] = s.beta1 * m[i] + (1 - s.beta1) * g;
    v[i] = s.beta2 * v[i] + (1 - s.beta2) * g * g;
    parameters[i] -= s.rate * m[i] / (std::sqrt(v[i]) * s.root_scale + s.epsilon);
  }
}

void adam(Index length, const AdamStep& step, const Real* gradients, Real* m, Real* v, Real* parameters) {
#if defined(__x86_64__)
  static const bool has_avx512 = best_instruction_set() == InstructionSet::avx512;
  if (has_avx512) return adam_avx512(length, step, gradients, m, v, parameters);
#endif
  adam_portable(length, step, gradients, m, v, parameters);
}

}  // namespace kernels
}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
