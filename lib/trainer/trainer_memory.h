// trainer_memory: where the trainer's bytes come from, and who sees what the arena does with them.
#pragma once

#include <cstddef>
#include <memory_resource>

#include "lib/trainer/thread_stacks.h"

namespace leakhunt::trainer {

// The same for threads: their stacks, and what a worker needs to work on a sequence (worker_context.h). Plain
// unless said otherwise.
struct ThreadMemory {
  std::pmr::memory_resource* stacks = &mapped_stacks();
  std::pmr::memory_resource* contexts = std::pmr::new_delete_resource();
  std::pmr::memory_resource* cache_embedding = std::pmr::new_delete_resource();
  std::pmr::memory_resource* cache_attention = std::pmr::new_delete_resource();
  std::pmr::memory_resource* cache_feed_forward = std::pmr::new_delete_resource();
  std::pmr::memory_resource* cache_backward = std::pmr::new_delete_resource();
};

// Where each kind of memory comes from. Nothing here is owned; every resource outlives the training.
struct TrainerMemory {
  std::pmr::memory_resource* parameters;
  std::pmr::memory_resource* gradients;  // null: none, for a model that is not trained
  std::pmr::memory_resource* optimizer_m;
  std::pmr::memory_resource* optimizer_v;
  std::pmr::memory_resource* tape_nodes;
  std::pmr::memory_resource* arena_chunks;
  std::pmr::memory_resource* scratch;  // for the length of one operation; null: the arena
  std::pmr::memory_resource* dataset;
  std::pmr::memory_resource* batches;
  std::pmr::memory_resource* samples;
  std::pmr::memory_resource* checkpoints;
  ThreadMemory threads = {};  // of train_threaded
};

// Every resource the ordinary heap, scratch from the arena, stacks mapped.
TrainerMemory plain_memory();

// Sees what happens inside the arena's chunks. Called on the allocating thread, at every piece: keep it
// cheap.
class ArenaObserver {
 public:
  virtual ~ArenaObserver() = default;
  virtual void allocated(std::size_t bytes) = 0;
  virtual void reset() = 0;
};

}  // namespace leakhunt::trainer
