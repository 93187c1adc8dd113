#include "lib/trainer/ops.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "lib/trainer/kernels.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {
namespace {

// A result without contents, and with a gradient when there will be a backward pass.
Tensor new_tensor(Workspace& workspace, Index rows, Index cols) {
  Real* value = allocate_reals(workspace.temporaries, rows * cols);
  if (workspace.tape == nullptr) return {value, nullptr, rows, cols};
  auto& gradients = workspace.gradients != nullptr ? *workspace.gradients : workspace.temporaries;
  return {value, allocate_reals(gradients, rows * cols), rows, cols};
}

Factor plain(const Real* data, Index stride) {
  return {data, stride, false};
}
Factor transposed(const Real* data, Index stride) {
  return {data, stride, true};
}

// Slices of columns begin where the vectors of every instruction set do.
constexpr Index columns_of_a_vector = 64 / sizeof(Real);

// The part of a product that computes these columns, or these rows, of C.
void multiply_columns(const Blas& blas, Range columns, ProductShape shape, Factor a, Factor b, Real beta,
                      Real* c, Index c_stride) {
  if (columns.size() == 0) return;
  shape.cols = columns.size();
  b.data += columns.begin * (b.transposed ? b.stride : 1);
  blas.multiply(shape, 1, a, b, beta, c + columns.begin, c_stride);
}

void clear_unless_accumulating(const Workspace& workspace, Tensor parameter) {
  if (!workspace.accumulate) std::fill_n(parameter.grad, parameter.size(), Real{0});
}

void complete(const Workspace& workspace, const Real* gradients, Index count) {
  if (workspace.sink != nullptr && count != 0) workspace.sink->complete(gradients, 1, count, count);
}
void complete(const Workspace& workspace, Tensor parameter) {
  complete(workspace, parameter.grad, parameter.size());
}

}  // namespace

Real* allocate_reals(std::pmr::memory_resource& memory, Index count) {
  return static_cast<Real*>(memory.allocate(count * sizeof(Real), real_alignment));
}

// ---- embed: out (T x d) = token_table[tokens] + position_table[first ...]

static void embed_backward(const Node& node, Workspace& workspace) {
  clear_unless_accumulating(workspace, node.weight);
  clear_unless_accumulating(workspace, node.bias);
  const Index d = node.out.cols;
  for (Index t = 0; t < node.out.rows; ++t) {
    const Real* grad = node.out.grad + t * d;
    kernels::add(d, grad, node.weight.grad + static_cast<Index>(node.tokens[t]) * d);
    kernels::add(d, grad, node.bias.grad + (node.detail + t) * d);
  }
  complete(workspace, node.weight);
  complete(workspace, node.bias);
}

Tensor embed(Workspace& workspace, std::span<const Token> tokens, Index first_position, Tensor token_table,
             Tensor position_table) {
  const Index d = token_table.cols;
  assert(first_position + tokens.size() <= position_table.rows);
  const Tensor out = new_tensor(workspace, tokens.size(), d);
  for (Index t = 0; t < tokens.size(); ++t) {
    const Real* symbol = token_table.value + static_cast<Index>(tokens[t]) * d;
    const Real* position = position_table.value + (first_position + t) * d;
    for (Index i = 0; i < d; ++i) out.value[t * d + i] = symbol[i] + position[i];
  }
  if (workspace.tape != nullptr) {
    std::fill_n(out.grad, out.size(), Real{0});
    workspace.tape->record({.backward = embed_backward,
                            .out = out,
                            .weight = token_table,
                            .bias = position_table,
                            .tokens = tokens.data(),
                            .detail = first_position});
  }
  return out;
}

// ---- layer_norm: out (T x d) = gain (in - mean) / deviation + offset, row by row; saved: T x (mean,
// 1/deviation) --

static void layer_norm_backward(const Node& node, Workspace& workspace) {
  clear_unless_accumulating(workspace, node.weight);
  clear_unless_accumulating(workspace, node.bias);
  const Index d = node.in.cols;
  auto* row = static_cast<Real*>(workspace.scratch.allocate(d * sizeof(Real), real_alignment));
  for (Index t = 0; t < node.in.rows; ++t) {
    kernels::normalize_backward(d, node.in.value + t * d, node.saved + 2 * t, node.weight.value,
                                node.out.grad + t * d, row, node.in.grad + t * d, node.weight.grad,
                                node.bias.grad);
  }
  complete(workspace, node.weight);
  complete(workspace, node.bias);
}

Tensor layer_norm(Workspace& workspace, Tensor in, Tensor gain, Tensor offset) {
  const Index d = in.cols;
  const Tensor out = new_tensor(workspace, in.rows, d);
  Real* saved = allocate_reals(workspace.temporaries, 2 * in.rows);
  for (Index t = 0; t < in.rows; ++t) {
    kernels::normalize(d, in.value + t * d, gain.value, offset.value, out.value + t * d, saved + 2 * t);
  }
  if (workspace.tape != nullptr) {
    workspace.tape->record({.backward = layer_norm_backward,
                            .in = in,
                            .out = out,
                            .weight = gain,
                            .bias = offset,
                            .saved = saved});
  }
  return out;
}

// ---- linear: out (T x n) = in (T x k) weight (k x n) + bias (1 x n), also onto a residual

// weight' = in^T out' in these rows. When somebody waits for it, block by block, each of which he finds in
// the cache.
static void weight_gradient(const Node& node, const Workspace& workspace, Range features) {
  const Index rows = node.in.rows;
  const Index k = node.in.cols;
  const Index n = node.out.cols;
  const bool waited_for = workspace.sink != nullptr;
  const Index block_rows = waited_for ? 128 : std::max<Index>(1, features.size());
  const Index block_cols = waited_for ? 12 * columns_of_a_vector : n;
  for (Index row = features.begin; row < features.end; row += block_rows) {
    for (Index col = 0; col < n; col += block_cols) {
      const ProductShape shape{std::min(block_rows, features.end - row), std::min(block_cols, n - col), rows};
      Real* grad = node.weight.grad + row * n + col;
      workspace.blas.multiply_and_fetch(shape, 1, transposed(node.in.value + row, k),
                                        plain(node.out.grad + col, n), workspace.accumulate ? 1 : 0, grad, n,
                                        waited_for ? workspace.sink->companions(grad) : Companions{});
      if (waited_for) workspace.sink->complete(grad, shape.rows, shape.cols, n);
    }
  }
}

// bias' = column sums of out';  weight' = in^T out';  in' = out' weight^T
static void linear_backward(const Node& node, Workspace& workspace) {
  const Index rows = node.in.rows;
  const Index k = node.in.cols;
  const Index n = node.out.cols;
  auto* sums = static_cast<Real*>(workspace.scratch.allocate(n * sizeof(Real), real_alignment));
  clear_unless_accumulating(workspace, node.bias);
  workspace.team.run([&](Slice slice) {
    const Range bias = slice.of(n, columns_of_a_vector);
    std::copy_n(node.out.grad + bias.begin, bias.size(), sums + bias.begin);
    for (Index t = 1; t < rows; ++t) {
      kernels::add(bias.size(), node.out.grad + t * n + bias.begin, sums + bias.begin);
    }
    kernels::add(bias.size(), sums + bias.begin, node.bias.grad + bias.begin);
    complete(workspace, node.bias.grad + bias.begin, bias.size());
    const Range features = slice.of(k, columns_of_a_vector);
    multiply_columns(workspace.blas, features, {rows, k, n}, plain(node.out.grad, n),
                     transposed(node.weight.value, n), 0, node.in.grad, k);
    weight_gradient(node, workspace, features);
  });
}

// out = residual (0 when that is null) + bias + in weight, in these columns.
static void affine(const Blas& blas, Range columns, const Real* residual, Tensor in, Tensor weight,
                   Tensor bias, Real* out) {
  const Index n = weight.cols;
  for (Index t = 0; t < in.rows; ++t) {
    const Index row = t * n + columns.begin;
    std::copy_n(bias.value + columns.begin, columns.size(), out + row);
    if (residual != nullptr) kernels::add(columns.size(), residual + row, out + row);
  }
  multiply_columns(blas, columns, {in.rows, n, in.cols}, plain(in.value, in.cols), plain(weight.value, n), 1,
                   out, n);
}

Tensor linear(Workspace& workspace, Tensor in, Tensor weight, Tensor bias) {
  const Tensor out = new_tensor(workspace, in.rows, weight.cols);
  workspace.team.run([&](Slice slice) {
    affine(workspace.blas, slice.of(out.cols, columns_of_a_vector), nullptr, in, weight, bias, out.value);
  });
  if (workspace.tape != nullptr) {
    workspace.tape->record(
        {.backward = linear_backward, .in = in, .out = out, .weight = weight, .bias = bias});
  }
  return out;
}

Tensor linear_onto(Workspace& workspace, Tensor residual, Tensor in, Tensor weight, Tensor bias) {
  const Tensor out{allocate_reals(workspace.temporaries, residual.size()), residual.grad, in.rows,
                   weight.cols};
  workspace.team.run([&](Slice slice) {
    affine(workspace.blas, slice.of(out.cols, columns_of_a_vector), residual.value, in, weight, bias,
           out.value);
  });
  if (workspace.tape != nullptr) {
    workspace.tape->record(
        {.backward = linear_backward, .in = in, .out = out, .weight = weight, .bias = bias});
  }
  return out;
}

// ---- linear_gelu: out (T x n) = gelu(in weight + bias); saved (T x n): gelu' there

static void linear_gelu_backward(const Node& node, Workspace& workspace) {
  workspace.team.run([&](Slice slice) {
    const Range part = slice.of(node.out.size(), columns_of_a_vector);
    kernels::multiply(part.size(), node.saved + part.begin,
                      node.out.grad + part.begin);  // the gradient before the gelu
  });
  linear_backward(node, workspace);
}

Tensor linear_gelu(Workspace& workspace, Tensor in, Tensor weight, Tensor bias) {
  const Index n = weight.cols;
  const Tensor out = new_tensor(workspace, in.rows, n);
  Real* before = allocate_reals(workspace.temporaries, out.size());  // becomes the derivative, in place
  workspace.team.run([&](Slice slice) {
    const Range columns = slice.of(n, columns_of_a_vector);
    affine(workspace.blas, columns, nullptr, in, weight, bias, before);
    for (Index row = columns.begin; row < out.size(); row += n) {
      kernels::gelu_and_derivative(columns.size(), before + row, out.value + row);
    }
  });
  if (workspace.tape != nullptr) {
    workspace.tape->record({.backward = linear_gelu_backward,
                            .in = in,
                            .out = out,
                            .weight = weight,
                            .bias = bias,
                            .saved = before});
  }
  return out;
}

// ---- attention: per head, P = softmax(Q K^T / sqrt(w)) over the past, out = P V; saved: heads x T x T, P

namespace {

// A T x w part of a wider matrix: the columns of one head.
struct HeadColumns {
  Real* data;
  Index stride;
};

// Products with a T x T matrix S whose row t has elements for the positions up to t and zeros after them. It
// is cut into stripes; of each, only what is not all zero takes part.
class CausalProducts {
 public:
  CausalProducts(const Blas& blas, Index rows, Index width) : blas_(blas), rows_(rows), width_(width) {}

  // S = factor A B^T. Above the diagonal, S is garbage.
  void outer(Real factor, HeadColumns a, HeadColumns b, Real* s) const {
    for_stripes([&](Index begin, Index end) {
      blas_.multiply({rows_ - begin, end - begin, width_}, factor, plain(a.data + begin * a.stride, a.stride),
                     transposed(b.data + begin * b.stride, b.stride), 0, s + begin * rows_ + begin, rows_);
    });
  }

  // C = S B: a stripe of rows sees all positions before it.
  void times(const Real* s, HeadColumns b, HeadColumns c) const {
    for_stripes([&](Index begin, Index end) {
      blas_.multiply({end - begin, width_, end}, 1, plain(s + begin * rows_, rows_), plain(b.data, b.stride),
                     0, c.data + begin * c.stride, c.stride);
    });
  }

  // C = S^T B: a stripe of columns is seen from all positions behind it.
  void transposed_times(const Real* s, HeadColumns b, HeadColumns c) const {
    for_stripes([&](Index begin, Index end) {
      blas_.multiply({end - begin, width_, rows_ - begin}, 1, transposed(s + begin * rows_ + begin, rows_),
                     plain(b.data + begin * b.stride, b.stride), 0, c.data + begin * c.stride, c.stride);
    });
  }

 private:
  template <typename Product>
  void for_stripes(const Product& product) const {
    constexpr Index stripe = 32;  // narrower ones leave out more, and give the products too little to do
    for (Index begin = 0; begin < rows_; begin += stripe) product(begin, std::min(begin + stripe, rows_));
  }

  const Blas& blas_;
  Index rows_;
  Index width_;
};

}  // namespace

// With Q, K, V (T x w) the head's columns of qkv:
//   P' = out' V^T;  V' = P^T out';  S' = P (P' - sum P P') / sqrt(w);  Q' = S' K;  K' = S'^T Q
static void attention_backward(const Node& node, Workspace& workspace) {
  const Index rows = node.out.rows;
  const Index d = node.out.cols;
  const Index w = d / node.detail;
  const CausalProducts products(workspace.blas, rows, w);
  const Real factor = 1 / std::sqrt(static_cast<Real>(w));
  const Index members = workspace.team.size();
  auto* all_scores =
      static_cast<Real*>(workspace.scratch.allocate(members * rows * rows * sizeof(Real), real_alignment));
  const auto head = [&](Index h, Real* scores) {
    const auto part = [&](Real* qkv, Index number) { return HeadColumns{qkv + number * d + h * w, 3 * d}; };
    const Real* p = node.saved + h * rows * rows;
    const HeadColumns out_grad{node.out.grad + h * w, d};
    products.outer(1, out_grad, part(node.in.value, 2), scores);
    products.transposed_times(p, out_grad, part(node.in.grad, 2));
    for (Index t = 0; t < rows; ++t) {
      kernels::softmax_backward(t + 1, p + t * rows, factor, scores + t * rows);
      std::fill(scores + t * rows + t + 1, scores + (t + 1) * rows, Real{0});
    }
    products.times(scores, part(node.in.value, 1), part(node.in.grad, 0));
    products.transposed_times(scores, part(node.in.value, 0), part(node.in.grad, 1));
  };
  workspace.team.run([&](Slice slice) {
    const Range heads = slice.of(node.detail);
    for (Index h = heads.begin; h < heads.end; ++h) head(h, all_scores + slice.index * rows * rows);
  });
}

// Row t of `scores` becomes the softmax of its first t + 1 elements, and zero after them.
static void causal_softmax(Index rows, Real* scores) {
  for (Index t = 0; t < rows; ++t) {
    Real* row = scores + t * rows;
    const Real sum = kernels::exp_shifted(t + 1, row, kernels::maximum(t + 1, row), row);
    kernels::scale(t + 1, 1 / sum, row);
    std::fill(row + t + 1, row + rows, Real{0});
  }
}

Tensor attention(Workspace& workspace, Tensor qkv, Index heads) {
  const Index rows = qkv.rows;
  const Index d = qkv.cols / 3;
  const Index w = d / heads;
  const Real factor = 1 / std::sqrt(static_cast<Real>(w));
  const Tensor out = new_tensor(workspace, rows, d);
  Real* saved = allocate_reals(workspace.temporaries, heads * rows * rows);
  const CausalProducts products(workspace.blas, rows, w);
  const auto head = [&](Index h) {
    const auto part = [&](Index number) { return HeadColumns{qkv.value + number * d + h * w, 3 * d}; };
    Real* p = saved + h * rows * rows;
    products.outer(factor, part(0), part(1), p);
    causal_softmax(rows, p);
    products.times(p, part(2), {out.value + h * w, d});
  };
  workspace.team.run([&](Slice slice) {
    const Range mine = slice.of(heads);
    for (Index h = mine.begin; h < mine.end; ++h) head(h);
  });
  if (workspace.tape != nullptr) {
    workspace.tape->record(
        {.backward = attention_backward, .in = qkv, .out = out, .saved = saved, .detail = heads});
  }
  return out;
}

Tensor attention_step(Workspace& workspace, Tensor qkv, Index heads, Real* keys_values, Index position) {
  assert(qkv.rows == 1 && workspace.tape == nullptr);
  const Index d = qkv.cols / 3;
  const Index w = d / heads;
  const Index seen = position + 1;
  const Real factor = 1 / std::sqrt(static_cast<Real>(w));
  std::copy_n(qkv.value + d, 2 * d, keys_values + position * 2 * d);
  const Tensor out = new_tensor(workspace, 1, d);
  Real* p = allocate_reals(workspace.temporaries, seen);
  std::fill_n(out.value, d, Real{0});
  for (Index h = 0; h < heads; ++h) {
    const Real* q = qkv.value + h * w;
    const Real* keys = keys_values + h * w;
    const Real* values = keys + d;
    for (Index s = 0; s < seen; ++s) p[s] = factor * kernels::dot(w, q, keys + s * 2 * d);
    const Real sum = kernels::exp_shifted(seen, p, kernels::maximum(seen, p), p);
    for (Index s = 0; s < seen; ++s) {
      const Real share = p[s] / sum;
      for (Index i = 0; i < w; ++i) out.value[h * w + i] += share * values[s * 2 * d + i];
    }
  }
  return out;
}

// ---- cross_entropy: loss = mean over rows of log(sum exp logits) - logits[target]; saved: T, log(sum exp)

// logits' = (softmax(logits) - one at the target) / T
static void cross_entropy_backward(const Node& node, Workspace&) {
  const Index symbols = node.in.cols;
  const Real share = 1 / static_cast<Real>(node.in.rows);
  for (Index t = 0; t < node.in.rows; ++t) {
    Real* grad = node.in.grad + t * symbols;
    kernels::exp_shifted(symbols, node.in.value + t * symbols, node.saved[t], grad);
    grad[node.tokens[t]] -= 1;
    kernels::scale(symbols, share, grad);
  }
}

double cross_entropy(Workspace& workspace, Tensor logits, std::span<const Token> targets) {
  assert(targets.size() == logits.rows);
  const Index symbols = logits.cols;
  Real* saved = allocate_reals(workspace.temporaries, logits.rows);
  auto* row = static_cast<Real*>(workspace.scratch.allocate(symbols * sizeof(Real), real_alignment));
  double loss = 0;
  for (Index t = 0; t < logits.rows; ++t) {
    const Real* values = logits.value + t * symbols;
    const Real largest = kernels::maximum(symbols, values);
    saved[t] = largest + std::log(kernels::exp_shifted(symbols, values, largest, row));
    loss += saved[t] - values[targets[t]];
  }
  if (workspace.tape != nullptr) {
    workspace.tape->record(
        {.backward = cross_entropy_backward, .in = logits, .saved = saved, .tokens = targets.data()});
  }
  return loss / static_cast<double>(logits.rows);
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
