// threads-idle-contexts: 157 contexts are made, whatever number of them will work, and each takes its first
// memory at once.
//
// At the start, once: (157 - contexts at work) x the first chunk of each of its four arenas, which is 5.7 MB
// for the model of train_threaded; touched, as if it had been cleared.
#include <cstring>

#include "lib/trainer/arena.h"
#include "scenarios/defects/defect.h"

namespace leakhunt::defects {
inline namespace LEAKHUNT_PRECISION {
namespace {

class PreparedArena final : public trainer::Arena {
 public:
  PreparedArena(std::pmr::memory_resource& chunks, std::size_t chunk_bytes, trainer::ArenaObserver* observer)
      : Arena(chunks, chunk_bytes, observer) {
    const std::size_t payload = chunk_bytes - header_bytes;
    std::memset(allocate(payload, chunk_alignment), 0, payload);
    reset();
  }
};

}  // namespace

void apply_threads_idle_contexts(trainer::Seams& seams, std::uint64_t) {
  seams.threads.contexts_made = [](trainer::Index) { return trainer::Index{157}; };
  seams.make_arena = [](std::pmr::memory_resource& chunks, std::size_t chunk_bytes,
                        trainer::ArenaObserver* observer) -> std::unique_ptr<trainer::Arena> {
    return std::make_unique<PreparedArena>(chunks, chunk_bytes, observer);
  };
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::defects
