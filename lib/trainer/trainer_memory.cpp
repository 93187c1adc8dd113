#include "lib/trainer/trainer_memory.h"

namespace leakhunt::trainer {

TrainerMemory plain_memory() {
  std::pmr::memory_resource* heap = std::pmr::new_delete_resource();
  return {.parameters = heap,
          .gradients = heap,
          .optimizer_m = heap,
          .optimizer_v = heap,
          .tape_nodes = heap,
          .arena_chunks = heap,
          .scratch = nullptr,
          .dataset = heap,
          .batches = heap,
          .samples = heap,
          .checkpoints = heap};
}

}  // namespace leakhunt::trainer
