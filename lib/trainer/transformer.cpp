#include "lib/trainer/transformer.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {
namespace {

void fill_normal(Tensor tensor, double deviation, Random& random) {
  for (Index i = 0; i < tensor.size(); ++i) tensor.value[i] = static_cast<Real>(deviation * random.normal());
}

void enter(const Workspace& workspace, Part part) {
  if (workspace.parts != nullptr) workspace.parts->entered(part);
}

}  // namespace

AttentionCache::AttentionCache(const ModelConfig& config, std::pmr::memory_resource& memory)
    : memory_(memory),
      layer_size_(config.context * 2 * config.width),
      size_(config.layers * layer_size_),
      rows_(allocate_reals(memory, size_)) {}

AttentionCache::~AttentionCache() {
  memory_.deallocate(rows_, size_ * sizeof(Real), real_alignment);
}

Transformer::Transformer(const ModelConfig& config, const TrainerMemory& memory, Random& random)
    : config_(config), parameters_(*memory.parameters, memory.gradients, config.parameter_count()) {
  constexpr double deviation = 0.02;
  const double onto_residual = deviation / std::sqrt(2 * static_cast<double>(config.layers));
  const Index d = config.width;
  token_table_ = parameters_.take(config.vocabulary, d);
  position_table_ = parameters_.take(config.positions, d);
  fill_normal(token_table_, deviation, random);
  fill_normal(position_table_, deviation, random);
  layers_.reserve(config.layers);
  for (Index i = 0; i < config.layers; ++i) {
    Layer layer;
    layer.before_attention = take_norm();
    layer.query_key_value = take_linear(d, 3 * d, deviation, random);
    layer.attention_out = take_linear(d, d, onto_residual, random);
    layer.before_feed_forward = take_norm();
    if (config.hidden != 0) {
      layer.feed_forward_in = take_linear(d, config.hidden, deviation, random);
      layer.feed_forward_out = take_linear(config.hidden, d, onto_residual, random);
    }
    layers_.push_back(layer);
  }
  final_norm_ = take_norm();
  output_ = take_linear(d, config.vocabulary, deviation, random);
  assert(parameters_.taken() == config.parameter_count());
}

Transformer::Norm Transformer::take_norm() {
  const Norm norm{parameters_.take(1, config_.width), parameters_.take(1, config_.width)};
  std::fill_n(norm.gain.value, norm.gain.size(), Real{1});
  return norm;
}

Transformer::Linear Transformer::take_linear(Index in, Index out, double deviation, Random& random) {
  const Linear linear{parameters_.take(in, out), parameters_.take(1, out)};
  fill_normal(linear.weight, deviation, random);
  return linear;
}

// One block: x + attention(norm(x)), and then x + feed_forward(norm(x)). Without a feed-forward network the
// second norm stands before the projection O, as in Wang et al., "Foundation Transformers" (Sub-LayerNorm).
Tensor Transformer::block(Workspace& workspace, Tensor x, Index number, AttentionCache* cache,
                          Index first) const {
  const Layer& layer = layers_[number];
  const Norm& second = layer.before_feed_forward;
  enter(workspace, Part::attention);
  Tensor h = layer_norm(workspace, x, layer.before_attention.gain, layer.before_attention.offset);
  h = linear(workspace, h, layer.query_key_value.weight, layer.query_key_value.bias);
  h = cache != nullptr ? attention_step(workspace, h, config_.heads, cache->layer(number), first)
                       : attention(workspace, h, config_.heads);
  if (config_.hidden == 0) {
    // The norm's backward pass adds to this gradient.
    if (h.grad != nullptr) std::fill_n(h.grad, h.size(), Real{0});
    h = layer_norm(workspace, h, second.gain, second.offset);
    return linear_onto(workspace, x, h, layer.attention_out.weight, layer.attention_out.bias);
  }
  x = linear_onto(workspace, x, h, layer.attention_out.weight, layer.attention_out.bias);
  enter(workspace, Part::feed_forward);
  h = layer_norm(workspace, x, second.gain, second.offset);
  h = linear_gelu(workspace, h, layer.feed_forward_in.weight, layer.feed_forward_in.bias);
  return linear_onto(workspace, x, h, layer.feed_forward_out.weight, layer.feed_forward_out.bias);
}

Tensor Transformer::logits(Workspace& workspace, std::span<const Token> tokens, AttentionCache* cache) const {
  const Index first = cache != nullptr ? cache->length() : 0;
  enter(workspace, Part::embedding);
  Tensor x = embed(workspace, tokens, first, token_table_, position_table_);
  for (Index i = 0; i < layers_.size(); ++i) x = block(workspace, x, i, cache, first);
  enter(workspace, Part::output);
  const Tensor h = layer_norm(workspace, x, final_norm_.gain, final_norm_.offset);
  return linear(workspace, h, output_.weight, output_.bias);
}

Tensor Transformer::forward(Workspace& workspace, std::span<const Token> tokens) const {
  return logits(workspace, tokens, nullptr);
}

Tensor Transformer::step(Workspace& workspace, const Token& token, AttentionCache& cache) const {
  assert(cache.length() < config_.context);
  const Tensor result = logits(workspace, {&token, 1}, &cache);
  cache.grow();
  return result;
}

double Transformer::loss(Workspace& workspace, std::span<const Token> tokens,
                         std::span<const Token> targets) const {
  return cross_entropy(workspace, forward(workspace, tokens), targets);
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
