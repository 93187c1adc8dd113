// ops: the operations a transformer is made of, each differentiable.
//
// A forward function takes its result from the arena and, when a tape is given, records a node that carries
// the gradient back. Shapes: T rows (positions), d columns (features), V symbols. Unless it says otherwise a
// backward pass overwrites the gradient of its input, so the input must have no second reader; the residual
// stream has two readers at each step and is the exception: its readers add.
#pragma once

#include <memory_resource>
#include <span>

#include "lib/trainer/blas.h"
#include "lib/trainer/parameters.h"
#include "lib/trainer/tape.h"
#include "lib/trainer/team.h"
#include "lib/trainer/tensor.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

// The parts of a model, for whoever keeps their activations apart.
enum class Part { embedding, attention, feed_forward, output };

class PartObserver {
 public:
  virtual ~PartObserver() = default;
  // The next operations of the forward pass belong to `part`.
  virtual void entered(Part part) = 0;
};

// What an operation works with. Nothing is owned.
struct Workspace {
  std::pmr::memory_resource& temporaries;  // the arena: values, gradients and what backward needs
  std::pmr::memory_resource& scratch;      // for the length of one operation
  const Blas& blas;
  Tape* tape = nullptr;     // null: forward only, nothing is kept for a backward pass
  bool accumulate = false;  // parameter gradients: false overwrites, true adds (later sequences of one step)
  Team& team = alone();     // who shares the work of one operation; the result does not depend on it
  PartObserver* parts = nullptr;  // told by the model where it is; null: nobody wants to know
  std::pmr::memory_resource* gradients = nullptr;  // of the results; null: beside the values
  GradientSink* sink =
      nullptr;  // takes the gradients of parameters when they are complete; null: nobody does
};

// Memory for `count` values that nobody has written yet.
Real* allocate_reals(std::pmr::memory_resource& memory, Index count);

// T x d: the symbol's row of `token_table` (V x d) plus the position's row of `position_table`. Opens the
// residual stream: its gradient starts at zero, and readers add to it.
Tensor embed(Workspace& workspace, std::span<const Token> tokens, Index first_position, Tensor token_table,
             Tensor position_table);

// T x d: each row of `in` with mean 0 and variance 1, then times `gain` plus `offset` (1 x d). Its backward
// pass adds to the gradient of `in`.
Tensor layer_norm(Workspace& workspace, Tensor in, Tensor gain, Tensor offset);

// T x n: in (T x k) weight (k x n) + bias (1 x n).
Tensor linear(Workspace& workspace, Tensor in, Tensor weight, Tensor bias);

// T x n: residual + in weight + bias. The gradient of the result and of `residual` are one and the same
// buffer: what flows into the sum flows unchanged into the residual.
Tensor linear_onto(Workspace& workspace, Tensor residual, Tensor in, Tensor weight, Tensor bias);

// T x n: gelu(in weight + bias).
Tensor linear_gelu(Workspace& workspace, Tensor in, Tensor weight, Tensor bias);

// T x d: causal self-attention of `heads` heads; `qkv` is T x 3d, each row query, key and value one after the
// other.
Tensor attention(Workspace& workspace, Tensor qkv, Index heads);

// 1 x d: attention of one new position (its `qkv`: 1 x 3d) to itself and to those before it. `keys_values` is
// positions x 2d; the new position's row is written. Forward only.
Tensor attention_step(Workspace& workspace, Tensor qkv, Index heads, Real* keys_values, Index position);

// The mean over the rows of -log softmax(logits)[target], in nats.
double cross_entropy(Workspace& workspace, Tensor logits, std::span<const Token> targets);

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
