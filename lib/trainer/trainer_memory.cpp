#include "lib/trainer/trainer_memory.h"

#include "lib/trainer/thread_stacks.h"

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
          .checkpoints = heap,
          .thread_stacks = &mapped_stacks(),
          .worker_contexts = heap,
          .cache_embedding = heap,
          .cache_attention = heap,
          .cache_feed_forward = heap,
          .cache_backward = heap};
}

}  // namespace leakhunt::trainer
