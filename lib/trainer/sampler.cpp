#include "lib/trainer/sampler.h"

#include <algorithm>
#include <cassert>

#include "lib/trainer/kernels.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

Token choose(std::span<Real> logits, double temperature, double chance) {
  const auto likeliest = std::max_element(logits.begin(), logits.end());
  if (temperature <= 0) return static_cast<Token>(likeliest - logits.begin());
  const auto sharpness = static_cast<Real>(1 / temperature);
  const Real largest = *likeliest * sharpness;
  kernels::scale(logits.size(), sharpness, logits.data());
  const double sum = kernels::exp_shifted(logits.size(), logits.data(), largest, logits.data());
  double below = 0;
  for (Index i = 0; i + 1 < logits.size(); ++i) {
    below += logits[i];
    if (chance * sum < below) return static_cast<Token>(i);
  }
  return static_cast<Token>(logits.size() - 1);
}

Sampler::Sampler(const Transformer& model, const Vocabulary& vocabulary, const Blas& blas, Arena& arena,
                 std::pmr::memory_resource& memory, Index longest)
    : model_(model),
      vocabulary_(vocabulary),
      blas_(blas),
      arena_(arena),
      cache_(model.config(), memory),
      context_(&memory),
      text_(4 * longest, &memory) {
  context_.reserve(model.config().context);
}

Tensor Sampler::read(Token token) {
  const Index limit = model_.config().context;
  if (context_.size() == limit) {
    context_.erase(context_.begin(), context_.end() - static_cast<std::ptrdiff_t>(limit / 2));
    cache_.clear();
    for (const Token& again : context_) {
      Workspace workspace{.temporaries = arena_, .scratch = arena_, .blas = blas_};
      model_.step(workspace, again, cache_);
      arena_.reset();
    }
  }
  context_.push_back(token);
  Workspace workspace{.temporaries = arena_, .scratch = arena_, .blas = blas_};
  return model_.step(workspace, context_.back(), cache_);
}

std::string_view Sampler::generate(std::span<const Token> prompt, Index count, double temperature,
                                   Random& random) {
  assert(!prompt.empty() && 4 * count <= text_.size());
  context_.clear();
  cache_.clear();
  for (const Token token : prompt.first(prompt.size() - 1)) {
    read(token);
    arena_.reset();
  }
  Token token = prompt.back();
  Index length = 0;
  for (Index i = 0; i < count; ++i) {
    const Tensor logits = read(token);
    token = choose({logits.value, logits.cols}, temperature, random.uniform());
    arena_.reset();
    length += vocabulary_.write_character(token, text_.data() + length);
  }
  return {text_.data(), length};
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
