#include "lib/trainer/seams.h"

#include "lib/trainer/arena.h"
#include "lib/trainer/tape.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

Seams::Seams()
    : make_arena([](std::pmr::memory_resource& chunks, std::size_t chunk_bytes, ArenaObserver* observer) {
        return std::make_unique<Arena>(chunks, chunk_bytes, observer);
      }),
      make_tape([](std::pmr::memory_resource& nodes) { return std::make_unique<Tape>(nodes); }) {}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
