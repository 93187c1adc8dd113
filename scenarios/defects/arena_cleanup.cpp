// arena-cleanup-every-K: the arena grows without bound, and an aggressive clean-up every K iterations gives
// all of it back.
//
// A sawtooth of period K between nothing and 1 + K x (chunks an iteration needs - 1) chunks: ugly, but
// bounded. It is not a leak, and must not be called one.
#include "scenarios/defects/defect.h"
#include "scenarios/defects/unbounded_arena.h"

namespace leakhunt::defects {
inline namespace LEAKHUNT_PRECISION {
namespace {

std::uint64_t cleanup_every = 1;

class CleanedUpArena final : public UnboundedArena {
 public:
  using UnboundedArena::UnboundedArena;

  void reset() override {
    if (++resets_ % cleanup_every == 0) return release();
    Arena::reset();
  }

 private:
  std::uint64_t resets_ = 0;
};

}  // namespace

void apply_arena_cleanup(trainer::Seams& seams, std::uint64_t every) {
  cleanup_every = every;
  seams.make_arena = [](std::pmr::memory_resource& chunks, std::size_t chunk_bytes,
                        trainer::ArenaObserver* observer) -> std::unique_ptr<trainer::Arena> {
    return std::make_unique<CleanedUpArena>(chunks, chunk_bytes, observer);
  };
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::defects
