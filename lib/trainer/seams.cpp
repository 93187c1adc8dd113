#include "lib/trainer/seams.h"

#include "lib/trainer/arena.h"
#include "lib/trainer/tape.h"

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

Seams::Seams()
    : make_arena([](std::pmr::memory_resource& chunks, std::size_t chunk_bytes, ArenaObserver* observer) {
        return std::make_unique<Arena>(chunks, chunk_bytes, observer);
      }),
      make_tape([](std::pmr::memory_resource& nodes) { return std::make_unique<Tape>(nodes); }) {}

}  // namespace leakhunt::trainer
