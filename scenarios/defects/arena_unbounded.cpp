// arena-unbounded: overflow always appends; reset never reuses or frees what was appended.
#include "scenarios/defects/defect.h"
#include "scenarios/defects/unbounded_arena.h"

namespace leakhunt::defects {
inline namespace LEAKHUNT_PRECISION {

void apply_arena_unbounded(trainer::Seams& seams, std::uint64_t) {
  seams.make_arena = [](std::pmr::memory_resource& chunks, std::size_t chunk_bytes,
                        trainer::ArenaObserver* observer) -> std::unique_ptr<trainer::Arena> {
    return std::make_unique<UnboundedArena>(chunks, chunk_bytes, observer);
  };
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::defects
