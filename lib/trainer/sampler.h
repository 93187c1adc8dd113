// sampler: text out of the model, one symbol at a time.
#pragma once

#include <memory_resource>
#include <span>
#include <string_view>

#include "lib/trainer/arena.h"
#include "lib/trainer/random.h"
#include "lib/trainer/transformer.h"
#include "lib/trainer/vocabulary.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

// The symbol drawn from softmax(logits / temperature), given a `chance` in [0, 1). Temperature 0: the
// likeliest. `logits` is overwritten.
Token choose(std::span<Real> logits, double temperature, double chance);

// Generates text. Everything it needs is allocated when it is made: its cache and its text from `memory`, and
// the temporaries of each symbol from the arena, which is reset after each of them.
class Sampler {
 public:
  // At most `longest` symbols at a time. All references must outlive the sampler.
  Sampler(const Transformer& model, const Vocabulary& vocabulary, const Blas& blas, Arena& arena,
          std::pmr::memory_resource& memory, Index longest);

  // `count` symbols that follow `prompt` (not empty), in UTF-8; valid until the next call. When the context
  // is full, its newer half is read again from its start. The arena must be empty.
  std::string_view generate(std::span<const Token> prompt, Index count, double temperature, Random& random);

 private:
  // Reads one more symbol; the logits stay valid until the arena is reset.
  Tensor read(Token token);

  const Transformer& model_;
  const Vocabulary& vocabulary_;
  const Blas& blas_;
  Arena& arena_;
  AttentionCache cache_;
  std::pmr::vector<Token> context_;  // the symbols in the cache
  std::pmr::vector<char> text_;
};

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
