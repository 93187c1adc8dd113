#include "lib/trainer/worker_context.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {
namespace {

// Reals that one layer of each part takes (ops.cpp): values and gradients of what its operations put out, and
// what they save. An arena takes another chunk if it is more.
struct LayerNeeds {
  Index embedding;
  Index attention;
  Index feed_forward;
  Index backward;

  explicit LayerNeeds(const ModelConfig& model) {
    const Index rows = model.context;
    const Index stream = rows * model.width;
    const Index norm = 2 * stream + 2 * rows;
    embedding = 2 * stream + norm + 2 * rows * model.vocabulary + rows;
    attention = norm + 2 * 3 * stream + 2 * stream + model.heads * rows * rows + stream;
    feed_forward = norm + 3 * rows * model.hidden + stream;
    backward = rows * rows + 2 * model.width + 3 * model.width + model.hidden + 2 * model.width;
  }
};

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
    constexpr std::size_t header_and_alignments = 16 * real_alignment;
    return seams.make_arena(*chunks, reals * sizeof(Real) + header_and_alignments, nullptr);
  };
  const LayerNeeds needs(model);
  embedding_ = arena(seams.memory.cache_embedding, needs.embedding);
  attention_ = arena(seams.memory.cache_attention, needs.attention);
  feed_forward_ = arena(seams.memory.cache_feed_forward, needs.feed_forward);
  backward_ = arena(seams.memory.cache_backward, model.layers * needs.backward);
  current_ = embedding_.get();
}

void PartArenas::entered(Part part) {
  switch (part) {
    case Part::embedding:
    case Part::output:
      current_ = embedding_.get();
      break;
    case Part::attention:
      current_ = attention_.get();
      break;
    case Part::feed_forward:
      current_ = feed_forward_.get();
      break;
  }
}

void PartArenas::reset() {
  for (Arena* arena : {embedding_.get(), attention_.get(), feed_forward_.get(), backward_.get()})
    arena->reset();
}

std::size_t PartArenas::chunk_bytes_total() const {
  return embedding_->chunk_bytes_total() + attention_->chunk_bytes_total() +
         feed_forward_->chunk_bytes_total() + backward_->chunk_bytes_total();
}

void* PartArenas::do_allocate(std::size_t bytes, std::size_t alignment) {
  return current_->allocate(bytes, alignment);
}

WorkerContext::WorkerContext(const ModelConfig& model, Seams& seams)
    : arenas_(model, seams),
      scratch_(seams.memory.scratch != nullptr ? *seams.memory.scratch : arenas_.backward()),
      tape_(seams.make_tape(*seams.memory.tape_nodes)),
      batch_(model.context, *seams.memory.batches) {}

double WorkerContext::learn(const Transformer& model, const Blas& blas, std::span<const Token> tokens,
                            Index position, bool first, BackwardObserver& observer) {
  const Clearance clearance(arenas_, *tape_);
  batch_.copy(tokens, position);
  Workspace work{.temporaries = arenas_,
                 .scratch = scratch_,
                 .blas = blas,
                 .tape = tape_.get(),
                 .accumulate = !first,
                 .parts = &arenas_};
  const double loss = model.loss(work, batch_.inputs(), batch_.targets());
  tape_->backward(work, &observer);
  return loss;
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
