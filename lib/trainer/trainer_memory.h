// trainer_memory: where the trainer's bytes come from, and who sees what the arena does with them.
#pragma once

#include <cstddef>
#include <memory_resource>

namespace leakhunt::trainer {

// Where each kind of memory comes from. Nothing here is owned; every resource outlives the training.
struct TrainerMemory {
  std::pmr::memory_resource* parameters;
  std::pmr::memory_resource* gradients;
  std::pmr::memory_resource* optimizer_m;
  std::pmr::memory_resource* optimizer_v;
  std::pmr::memory_resource* tape_nodes;
  std::pmr::memory_resource* arena_chunks;
  std::pmr::memory_resource* scratch;  // for the length of one operation; null: the arena
  std::pmr::memory_resource* dataset;
  std::pmr::memory_resource* batches;
  std::pmr::memory_resource* samples;
  std::pmr::memory_resource* checkpoints;
  // Of train_threaded: its threads' stacks, and what a worker needs to work on a sequence.
  std::pmr::memory_resource* thread_stacks;
  std::pmr::memory_resource* worker_contexts;
  std::pmr::memory_resource* cache_embedding;     // activations of the embedding and of the output
  std::pmr::memory_resource* cache_attention;     // activations of the attention layers
  std::pmr::memory_resource* cache_feed_forward;  // activations of the feed-forward layers
  std::pmr::memory_resource* cache_backward;      // what operations need for themselves
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
