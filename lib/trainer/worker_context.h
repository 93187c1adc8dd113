// worker_context: all that forward and backward of one sequence need for themselves.
//
// The activations lie in four arenas, one for each part of the model and one for the scratch of the backward
// pass, each from a memory resource of its own; their chunks are as large as what one layer of the model puts
// there, so an arena holds what this model needs and no more. Nothing is taken before the first sequence.
#pragma once

#include <array>
#include <memory>
#include <span>

#include "lib/trainer/arena.h"
#include "lib/trainer/dataset.h"
#include "lib/trainer/modes.h"
#include "lib/trainer/ops.h"
#include "lib/trainer/seams.h"
#include "lib/trainer/tape.h"
#include "lib/trainer/transformer.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

// A resource that passes each request on to the arena of the part that the forward pass is in.
class PartArenas final : public std::pmr::memory_resource, public PartObserver {
 public:
  PartArenas(const ModelConfig& model, Seams& seams);

  void entered(Part part) override;
  void reset();
  Arena& backward() { return *backward_; }

  // The chunks of all arenas together, with their headers.
  std::size_t chunk_bytes_total() const;

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  std::unique_ptr<Arena> embedding_;  // and the output: what is as wide as the vocabulary
  std::unique_ptr<Arena> attention_;
  std::unique_ptr<Arena> feed_forward_;
  std::unique_ptr<Arena> backward_;
  Arena* current_;
};

// One thread at a time.
class WorkerContext {
 public:
  // `seams` must outlive the context.
  WorkerContext(const ModelConfig& model, Seams& seams);
  WorkerContext(const WorkerContext&) = delete;
  WorkerContext& operator=(const WorkerContext&) = delete;

  // The loss of the sequence that begins at `position` of `tokens`; its gradients are added to the model's,
  // or replace them when it is the `first`. `observer` stands beside the backward pass.
  double learn(const Transformer& model, const Blas& blas, std::span<const Token> tokens, Index position,
               bool first, BackwardObserver& observer);

  std::size_t cache_bytes() const { return arenas_.chunk_bytes_total(); }

 private:
  PartArenas arenas_;
  std::pmr::memory_resource& scratch_;
  std::unique_ptr<Tape> tape_;
  Batch batch_;
};

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
