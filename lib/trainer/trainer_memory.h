// trainer_memory: where the trainer's bytes come from, and who sees what the arena does with them.
#pragma once

#include <cstddef>
#include <memory_resource>

namespace leakhunt::trainer {

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
};

// Every resource the ordinary heap, scratch from the arena.
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
