#include "lib/trainer/worker_context.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {
namespace {

// Reals that one layer of each part takes (ops.cpp). An arena takes another chunk if it is more.
struct LayerNeeds {
  Index embedding;
  Index attention;
  Index feed_forward;
  Index gradients;
  Index scratch;

  explicit LayerNeeds(const ModelConfig& model) {
    const Index rows = model.context;
    const Index stream = rows * model.width;
    const Index inner = rows * model.hidden;
    const Index norm = stream + 2 * rows;
    embedding = 2 * stream + norm + stream + 2 * rows * model.vocabulary + rows;
    attention = norm + 3 * stream + stream + model.heads * rows * rows + stream;
    feed_forward = norm + 2 * inner + stream;
    gradients = stream + 3 * stream + stream + stream + inner;
    scratch = rows * rows + 7 * model.width + model.hidden;
  }
};

constexpr std::size_t chunk_bytes(Index reals) {
  constexpr std::size_t header_and_alignments = 16 * real_alignment;
  return reals * sizeof(Real) + header_and_alignments;
}

Index backward_reals(const ModelConfig& model) {
  const LayerNeeds needs(model);
  return needs.gradients + model.layers * needs.scratch + 2 * model.vocabulary + model.width;
}

// Takes everything back at the end of a sequence, also when it ends with an exception.
class Clearance {
 public:
  Clearance(PartArenas& arenas, Tape& tape) : arenas_(arenas), tape_(tape) {}
  ~Clearance() {
    tape_.reset();
    arenas_.reset();
  }
  Clearance(const Clearance&) = delete;
  Clearance& operator=(const Clearance&) = delete;

 private:
  PartArenas& arenas_;
  Tape& tape_;
};

}  // namespace

PartArenas::PartArenas(const ModelConfig& model, Seams& seams) {
  const auto arena = [&](std::pmr::memory_resource* chunks, Index reals) {
    return seams.make_arena(*chunks, chunk_bytes(reals), nullptr);
  };
  const LayerNeeds needs(model);
  embedding_ = arena(seams.memory.threads.cache_embedding, needs.embedding);
  attention_ = arena(seams.memory.threads.cache_attention, needs.attention);
  feed_forward_ = arena(seams.memory.threads.cache_feed_forward, needs.feed_forward);
  backward_ = arena(seams.memory.threads.cache_backward, backward_reals(model));
}

void PartArenas::entered(Part part) {
  if (part == Part::embedding || part == Part::output) {
    values_.lead_to(*embedding_);
    gradients_.lead_to(*embedding_);
    return;
  }
  if (part == Part::attention) backward_->reset();  // a layer begins, with the gradients' memory of the last
  values_.lead_to(part == Part::attention ? *attention_ : *feed_forward_);
  gradients_.lead_to(*backward_);
}

void PartArenas::reset() {
  for (Arena* arena : {embedding_.get(), attention_.get(), feed_forward_.get(), backward_.get()})
    arena->reset();
}

std::vector<PlannedMemory> plan_worker_context(const ModelConfig& model) {
  const LayerNeeds needs(model);
  const auto chunks = [](std::string_view tag, Index count, Index reals) {
    return PlannedMemory{tag, count, count * chunk_bytes(reals)};
  };
  const Index operations = tape_operations(model);
  return {
      chunks("cache.embedding", 1, needs.embedding),
      chunks("cache.attention", model.layers, needs.attention),
      chunks("cache.feed_forward", model.layers, needs.feed_forward),
      chunks("cache.backward", 1, backward_reals(model)),
      {"tape.node", operations, operations * Tape::node_bytes},
      {"batch", 1, (model.context + 1) * sizeof(Token)},
  };
}

WorkerContext::WorkerContext(const ModelConfig& model, Seams& seams)
    : arenas_(model, seams),
      scratch_(seams.memory.scratch != nullptr ? *seams.memory.scratch : arenas_.scratch()),
      tape_(seams.make_tape(*seams.memory.tape_nodes)),
      batch_(model.context, *seams.memory.batches) {}

double WorkerContext::learn(const Transformer& model, const Blas& blas, std::span<const Token> tokens,
                            Index position, bool first, BackwardObserver& observer) {
  const Clearance clearance(arenas_, *tape_);
  batch_.copy(tokens, position);
  Workspace work{.temporaries = arenas_.values(),
                 .scratch = scratch_,
                 .blas = blas,
                 .tape = tape_.get(),
                 .accumulate = !first,
                 .parts = &arenas_,
                 .gradients = &arenas_.gradients()};
  const double loss = model.loss(work, batch_.inputs(), batch_.targets());
  tape_->backward(work, &observer);
  return loss;
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
