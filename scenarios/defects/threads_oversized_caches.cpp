// threads-oversized-caches: the caches are sized for the largest model anybody might train, not for this one.
//
// Sequences of 1,024 positions instead of 128: chunks eight times as large. Constant, and mostly untouched:
// for the model of train_threaded each context reserves 46 MB instead of 19, and its resident memory is the
// same.
#include "lib/trainer/arena.h"
#include "scenarios/defects/defect.h"

namespace leakhunt::defects {
inline namespace LEAKHUNT_PRECISION {

void apply_threads_oversized_caches(trainer::Seams& seams, std::uint64_t) {
  seams.make_arena = [](std::pmr::memory_resource& chunks, std::size_t chunk_bytes,
                        trainer::ArenaObserver* observer) -> std::unique_ptr<trainer::Arena> {
    constexpr std::size_t largest = 8;
    return std::make_unique<trainer::Arena>(chunks, largest * chunk_bytes, observer);
  };
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::defects
