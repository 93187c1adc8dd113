#include "lib/trainer/memory_plan.h"

#include <algorithm>
#include <string>

#include "lib/trainer/arena.h"
#include "lib/trainer/tape.h"

namespace leakhunt::trainer {
namespace {

// What the operations of one iteration take from the arena, in their order.
class Pieces {
 public:
  explicit Pieces(const PlanInputs& inputs)
      : model_(inputs.model), real_bytes_(inputs.real_bytes), members_(inputs.threads) {}

  std::vector<std::size_t> of_an_iteration() {
    const Index d = model_.width;
    forward(d, d, 0);  // embed: nothing on the way back
    for (Index layer = 0; layer < model_.layers; ++layer) {
      layer_norm();
      linear(3 * d);
      attention();
      if (model_.hidden == 0) {
        layer_norm();
        linear_onto();
        continue;
      }
      linear_onto();
      layer_norm();
      linear_gelu();
      linear_onto();
    }
    layer_norm();
    linear(model_.vocabulary);
    take(model_.context);  // cross_entropy
    take(model_.vocabulary);
    for (auto scratch = backward_.rbegin(); scratch != backward_.rend(); ++scratch) take(*scratch);
    return pieces_;
  }

 private:
  void take(Index reals) {
    if (reals != 0) pieces_.push_back(reals * real_bytes_);
  }
  // A result of so many columns, its gradient, and the scratch of its way back.
  void forward(Index columns, Index gradient_columns, Index scratch) {
    take(model_.context * columns);
    take(model_.context * gradient_columns);
    backward_.push_back(scratch);
  }
  void layer_norm() {
    forward(model_.width, model_.width, model_.width);
    take(2 * model_.context);
  }
  void linear(Index columns) { forward(columns, columns, columns); }
  void linear_onto() { forward(model_.width, 0, model_.width); }
  void linear_gelu() {
    forward(model_.hidden, model_.hidden, model_.hidden);
    take(model_.context * model_.hidden);
  }
  void attention() {
    const Index scores = model_.context * model_.context;
    forward(model_.width, model_.width, members_ * scores);
    take(model_.heads * scores);
  }

  const ModelConfig model_;
  const std::size_t real_bytes_;
  const Index members_;
  std::vector<std::size_t> pieces_;
  std::vector<Index> backward_;
};

}  // namespace

Index tape_operations(const ModelConfig& model) {
  const Index of_a_layer = model.hidden == 0 ? 5 : 7;
  return 4 + of_a_layer * model.layers;
}

void print_plan(const std::vector<PlannedMemory>& plan, std::FILE* out) {
  std::size_t longest = 0;
  for (const PlannedMemory& memory : plan) longest = std::max(longest, memory.tag.size());
  const auto width = static_cast<int>(longest);
  std::size_t total = 0;
  for (const PlannedMemory& memory : plan) {
    std::fprintf(out, "  %-*s %13zu bytes in %2zu block%s\n", width, std::string(memory.tag).c_str(),
                 memory.bytes, memory.blocks, memory.blocks == 1 ? "" : "s");
    total += memory.bytes;
  }
  std::fprintf(out, "  %-*s %13zu bytes; program and libraries come on top\n", width, "in all", total);
}

PlannedMemory plan_arena(const std::vector<std::size_t>& pieces, std::size_t chunk_bytes) {
  PlannedMemory plan{"arena.chunk", 0, 0};
  std::size_t room = 0;
  for (const std::size_t piece : pieces) {
    const std::size_t aligned =
        (piece + Arena::chunk_alignment - 1) / Arena::chunk_alignment * Arena::chunk_alignment;
    if (piece > room) {
      const std::size_t chunk = std::max(chunk_bytes, Arena::header_bytes + piece);
      ++plan.blocks;
      plan.bytes += chunk;
      room = chunk - Arena::header_bytes;
    }
    room -= std::min(room, aligned);
  }
  return plan;
}

std::vector<PlannedMemory> plan_memory(const PlanInputs& inputs) {
  const ModelConfig& model = inputs.model;
  const std::size_t parameters = model.parameter_count() * inputs.real_bytes;
  const std::size_t cache = model.layers * model.context * 2 * model.width * inputs.real_bytes;
  return {
      {"parameter", 1, parameters},
      {"gradient", 1, parameters},
      {"optimizer.m", 1, parameters},
      {"optimizer.v", 1, parameters},
      plan_arena(Pieces(inputs).of_an_iteration(), arena_chunk_bytes(model, inputs.real_bytes)),
      {"tape.node", tape_operations(model), tape_operations(model) * Tape::node_bytes},
      {"sample", 3, cache + model.context * sizeof(Token) + 4 * inputs.sample_length},
      {"dataset", 2, inputs.text_length * sizeof(Token) + model.vocabulary * sizeof(char32_t)},
      {"batch", 1, (model.context + 1) * sizeof(Token)},
  };
}

}  // namespace leakhunt::trainer
