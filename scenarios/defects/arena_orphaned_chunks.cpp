// arena-orphaned-chunks: reset returns to the first chunk, and an overflow links a new chunk over the
// existing `next`.
//
// The chain that was already there loses its only holder: all chunks of an iteration but the first, every
// iteration. Per iteration: (chunks an iteration needs - 1) x arena_chunk_bytes(model), unreachable.
#include "lib/trainer/arena.h"
#include "scenarios/defects/defect.h"

namespace leakhunt::defects {
inline namespace LEAKHUNT_PRECISION {
namespace {

class OrphaningArena final : public trainer::Arena {
 public:
  using Arena::Arena;

 private:
  Chunk* advance(Chunk* current, std::size_t payload_bytes) override {
    current->next = new_chunk(payload_bytes);
    return current->next;
  }
};

}  // namespace

void apply_arena_orphaned_chunks(trainer::Seams& seams, std::uint64_t) {
  seams.make_arena = [](std::pmr::memory_resource& chunks, std::size_t chunk_bytes,
                        trainer::ArenaObserver* observer) -> std::unique_ptr<trainer::Arena> {
    return std::make_unique<OrphaningArena>(chunks, chunk_bytes, observer);
  };
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::defects
