// transformer: a decoder-only transformer as a straight line of operations.
//
// Pre-norm blocks, causal attention, learned positions, a final norm and an output projection with a bias. It
// owns its parameters; everything else comes from the Workspace of the call. See ops.h for the shapes.
#pragma once

#include <memory_resource>
#include <span>
#include <vector>

#include "lib/trainer/modes.h"
#include "lib/trainer/ops.h"
#include "lib/trainer/parameters.h"
#include "lib/trainer/random.h"
#include "lib/trainer/seams.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

// Keys and values of the positions seen so far, for generating text one symbol at a time.
class AttentionCache {
 public:
  // Room for `config.context` positions in every layer, from `memory`.
  AttentionCache(const ModelConfig& config, std::pmr::memory_resource& memory);
  ~AttentionCache();
  AttentionCache(const AttentionCache&) = delete;
  AttentionCache& operator=(const AttentionCache&) = delete;

  Real* layer(Index number) const { return rows_ + number * layer_size_; }
  Index length() const { return length_; }  // positions filled
  void clear() { length_ = 0; }
  void grow() { ++length_; }

 private:
  std::pmr::memory_resource& memory_;
  Index layer_size_;
  Index size_;
  Index length_ = 0;
  Real* rows_;
};

class Transformer {
 public:
  // Parameters from memory.parameters and memory.gradients, drawn from `random`: normal with deviation 0.02,
  // the projections onto the residual stream smaller by sqrt(2 layers) (as GPT-2).
  Transformer(const ModelConfig& config, const TrainerMemory& memory, Random& random);

  // Logits, T x V, for each position of `tokens` (at most config.positions of them).
  Tensor forward(Workspace& workspace, std::span<const Token> tokens) const;

  // Logits, 1 x V, after one more symbol at the cache's next position; the cache grows by it.
  Tensor step(Workspace& workspace, const Token& token, AttentionCache& cache) const;

  // The mean loss of predicting targets[t] from tokens[0 .. t]. With a tape in the workspace, its backward()
  // then gives the gradients of all parameters.
  double loss(Workspace& workspace, std::span<const Token> tokens, std::span<const Token> targets) const;

  const ModelConfig& config() const { return config_; }
  const ParameterStore& parameters() const { return parameters_; }

 private:
  struct Norm {
    Tensor gain;
    Tensor offset;
  };
  struct Linear {
    Tensor weight;
    Tensor bias;
  };
  struct Layer {
    Norm before_attention;
    Linear query_key_value;
    Linear attention_out;
    Norm before_feed_forward;
    Linear feed_forward_in;  // none of it when config.hidden is 0
    Linear feed_forward_out;
  };

  Norm take_norm();
  Linear take_linear(Index in, Index out, double deviation, Random& random);
  Tensor block(Workspace& workspace, Tensor x, Index number, AttentionCache* cache, Index first) const;
  Tensor logits(Workspace& workspace, std::span<const Token> tokens, AttentionCache* cache) const;

  ModelConfig config_;
  ParameterStore parameters_;
  Tensor token_table_;
  Tensor position_table_;
  std::vector<Layer> layers_;
  Norm final_norm_;
  Linear output_;
};

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
