// kernels: the loops over single elements that are worth compiling for several instruction sets.
//
// Everything that is neither a matrix product nor bookkeeping. The fastest version for the processor is
// picked when the program is loaded; on one machine the results are the same in every run. Lengths are in
// Reals; arguments do not overlap unless it says "in place".
#pragma once

#include "lib/trainer/tensor.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {
namespace kernels {

// out[i] = exp(in[i] - shift); returns the sum. In place allowed.
Real exp_shifted(Index length, const Real* in, Real shift, Real* out);

// The largest element.
Real maximum(Index length, const Real* values);

// values[i] *= factor.
void scale(Index length, Real factor, Real* values);

// The same, but factor 0 clears whatever is there: nothing is read.
void scale_or_clear(Index length, Real factor, Real* values);

// sums[i] += values[i].
void add(Index length, const Real* values, Real* sums);

// sums[i] += factor * values[i].
void add_scaled(Index length, Real factor, const Real* values, Real* sums);

// values[i] *= factors[i].
void multiply(Index length, const Real* factors, Real* values);

// The sum of a[i] * b[i].
Real dot(Index length, const Real* a, const Real* b);

// in[i] becomes gelu'(in[i]), out[i] becomes gelu(in[i]) (the tanh form).
void gelu_and_derivative(Index length, Real* in, Real* out);

// Backward of a softmax row: in place, d[j] = factor * p[j] * (d[j] - sum over k of p[k] d[k]).
void softmax_backward(Index length, const Real* p, Real factor, Real* d);

// out = gain * (in - mean) / deviation + offset over one row; saved[0] = mean, saved[1] = 1 / deviation.
void normalize(Index length, const Real* in, const Real* gain, const Real* offset, Real* out, Real* saved);

// Backward of normalize: adds to in_grad, gain_grad and offset_grad. `row`: room for `length` Reals.
void normalize_backward(Index length, const Real* in, const Real* saved, const Real* gain,
                        const Real* out_grad, Real* row, Real* in_grad, Real* gain_grad, Real* offset_grad);

// The factors of one Adam step, worked out once for all elements.
struct AdamStep {
  Real beta1;
  Real beta2;
  Real rate;        // learning rate / (1 - beta1^t)
  Real root_scale;  // 1 / sqrt(1 - beta2^t)
  Real epsilon;
};

// m, v and parameters after one step along `gradients`.
void adam(Index length, const AdamStep& step, const Real* gradients, Real* m, Real* v, Real* parameters);

// How adam() does it: with the roots and divisions of the processor; and, where there is AVX-512, with
// approximations made exact to the last place or two.
void adam_portable(Index length, const AdamStep& step, const Real* gradients, Real* m, Real* v,
                   Real* parameters);
void adam_avx512(Index length, const AdamStep& step, const Real* gradients, Real* m, Real* v,
                 Real* parameters);

}  // namespace kernels
}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
