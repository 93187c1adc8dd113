// modes: what each mode of train_full trains, and how. Only numbers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "lib/trainer/index.h"

namespace leakhunt::trainer {

// The shape of a decoder-only transformer.
struct ModelConfig {
  Index vocabulary;  // V: symbols
  Index width;       // d: features of a position (d_model)
  Index heads;       // attention heads; width is a multiple
  Index layers;
  Index hidden;           // features inside the feed-forward network (d_ff); 0: blocks of attention only
  Index context;          // T: positions of a training sequence
  Index positions = 128;  // rows of the position table; at least `context`

  // V d + positions d + layers (Q, K, V, O and their biases; feed-forward; two norms) + final norm + output.
  // Without a feed-forward network its second norm stays, between attention and O (see transformer.cpp).
  constexpr Index parameter_count() const {
    const Index attention = 4 * (width * width + width);
    const Index feed_forward = hidden == 0 ? 0 : width * hidden + hidden + hidden * width + width;
    const Index norm = 2 * width;
    return vocabulary * width + positions * width + layers * (attention + feed_forward + 2 * norm) + norm +
           width * vocabulary + vocabulary;
  }

  bool operator==(const ModelConfig&) const = default;
};

// The size of the arena's chunks: four times the largest matrix of the forward pass, so that an iteration
// fills a few of them; less what malloc adds, so that its pages are filled exactly.
constexpr std::size_t arena_chunk_bytes(const ModelConfig& model, std::size_t real_bytes) {
  const Index widest = std::max({model.hidden, 3 * model.width, model.heads * model.context});
  constexpr std::size_t malloc_overhead = 128;
  return 4 * model.context * widest * real_bytes - malloc_overhead;
}

// How a mode is trained unless the command line says otherwise.
struct Mode {
  std::string_view name;
  ModelConfig model;  // the vocabulary is replaced by that of the text
  std::uint64_t iterations;
  double peak_rate;  // of the learning rate schedule
  // The schedule's length. It does not follow the number of iterations: a training in pieces, each told only
  // how far to go, takes the same steps as one in a single piece.
  std::uint64_t schedule_iterations;
  bool wants_a_file;  // its text is not built in
};

inline constexpr Mode modes[] = {
    {"tiny",
     {.vocabulary = 35, .width = 64, .heads = 2, .layers = 1, .hidden = 128, .context = 32},
     2'000,
     3e-3,
     2'000,
     false},
    {"small",
     {.vocabulary = 35, .width = 128, .heads = 4, .layers = 2, .hidden = 512, .context = 64},
     100,
     1e-3,
     10'000,
     false},
    {"medium",
     {.vocabulary = 65, .width = 256, .heads = 8, .layers = 4, .hidden = 512, .context = 128},
     10'000,
     5e-4,
     10'000,
     true},
    {"large",
     {.vocabulary = 65, .width = 512, .heads = 8, .layers = 4, .hidden = 1024, .context = 128},
     10'000,
     3e-4,
     10'000,
     true},
};

// train_v2: one block of attention, no feed-forward; a position for every symbol of a sequence and no more.
inline constexpr Mode v2_mode = {
    "v2",
    {.vocabulary = 35, .width = 256, .heads = 4, .layers = 1, .hidden = 0, .context = 32, .positions = 32},
    2'000,
    1e-3,
    2'000,
    false};

static_assert(modes[0].model.parameter_count() == 46'307);
static_assert(modes[1].model.parameter_count() == 422'179);
// 35 256 + 32 256 + 4 (256^2 + 256) + 2 (2 256) + 2 256 + 256 35 + 35
static_assert(v2_mode.model.parameter_count() == 290'851);

}  // namespace leakhunt::trainer
