// worker_context: all that forward and backward of one sequence need for themselves.
//
// The activations lie in three arenas, one for each part of the model, and what only the backward pass needs
// in a fourth, each with a memory resource of its own:
//
//   cache.embedding     what the embedding and the output put out, with its gradients
//   cache.attention     what the attention of every layer puts out, and its probabilities
//   cache.feed_forward  what the feed-forward network of every layer puts out
//   cache.backward      the gradients inside one layer, and scratch
//
// The backward pass is in one layer at a time and leaves nothing there when it goes on (what flows between
// layers is the residual stream, in cache.embedding). So all layers have the same memory for their gradients.
//
// A chunk is as large as what one layer of the model puts into it, so an arena holds what this model needs
// and no more. Nothing is taken before the first sequence.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "lib/trainer/arena.h"
#include "lib/trainer/dataset.h"
#include "lib/trainer/memory_plan.h"
#include "lib/trainer/modes.h"
#include "lib/trainer/ops.h"
#include "lib/trainer/seams.h"
#include "lib/trainer/tape.h"
#include "lib/trainer/transformer.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

// A resource that passes each request on to an arena.
class LeadingResource final : public std::pmr::memory_resource {
 public:
  void lead_to(Arena& arena) { arena_ = &arena; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return arena_->allocate(bytes, alignment);
  }
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  Arena* arena_ = nullptr;
};

// The four arenas, and two resources that lead to the one in which the model is.
class PartArenas final : public PartObserver {
 public:
  PartArenas(const ModelConfig& model, Seams& seams);

  void entered(Part part) override;
  void reset();

  std::pmr::memory_resource& values() { return values_; }
  std::pmr::memory_resource& gradients() { return gradients_; }
  std::pmr::memory_resource& scratch() { return *backward_; }

 private:
  std::unique_ptr<Arena> embedding_;
  std::unique_ptr<Arena> attention_;
  std::unique_ptr<Arena> feed_forward_;
  std::unique_ptr<Arena> backward_;
  LeadingResource values_;
  LeadingResource gradients_;
};

// What a context has after its first sequence, tag by tag.
std::vector<PlannedMemory> plan_worker_context(const ModelConfig& model);

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

 private:
  PartArenas arenas_;
  std::pmr::memory_resource& scratch_;
  std::unique_ptr<Tape> tape_;
  Batch batch_;
};

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
