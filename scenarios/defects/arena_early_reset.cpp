// arena-early-reset: the reset comes before sampling, checkpointing and saving, whose temporaries then pile
// up.
//
// As soon as the step is done the arena is rewound to where the iteration began, and that is all the loop
// does. What a sample or a checkpoint takes afterwards lies below the place where the next iteration begins,
// and no rewinding reaches it again. Per sample: the temporaries of all of its symbols; per checkpoint:
// checkpoint_buffer_bytes. All of it reachable from the chain of chunks.
#include "lib/trainer/adam.h"
#include "lib/trainer/arena.h"
#include "scenarios/defects/defect.h"

namespace leakhunt::defects {
inline namespace LEAKHUNT_PRECISION {
namespace {

class EarlyResetArena;
EarlyResetArena* arena_in_use = nullptr;

class EarlyResetArena final : public trainer::Arena {
 public:
  EarlyResetArena(std::pmr::memory_resource& chunks, std::size_t chunk_bytes,
                  trainer::ArenaObserver* observer)
      : Arena(chunks, chunk_bytes, observer) {
    arena_in_use = this;
  }
  ~EarlyResetArena() override { arena_in_use = nullptr; }
  EarlyResetArena(const EarlyResetArena&) = delete;
  EarlyResetArena& operator=(const EarlyResetArena&) = delete;

  void iteration_begins() { begin_ = mark(); }
  void step_is_done() { reset_is_due_ = true; }

  void reset() override {
    if (reset_is_due_) rewind(begin_);
    reset_is_due_ = false;
  }

 private:
  Mark begin_ = {};
  bool reset_is_due_ = false;
};

class Loop final : public trainer::TrainingObserver {
  void after_optimizer_step(trainer::Adam&) override { arena_in_use->step_is_done(); }
  void iteration_ended(std::uint64_t) override { arena_in_use->iteration_begins(); }
};

// Checkpoints take their buffer from the arena, too: it is only a temporary.
class ArenaCheckpoints final : public std::pmr::memory_resource {
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return arena_in_use->allocate(bytes, alignment);
  }
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }
};

}  // namespace

void apply_arena_early_reset(trainer::Seams& seams, std::uint64_t) {
  static Loop loop;
  static ArenaCheckpoints checkpoints;
  seams.training_observers.push_back(&loop);
  seams.memory.checkpoints = &checkpoints;
  seams.make_arena = [](std::pmr::memory_resource& chunks, std::size_t chunk_bytes,
                        trainer::ArenaObserver* observer) -> std::unique_ptr<trainer::Arena> {
    return std::make_unique<EarlyResetArena>(chunks, chunk_bytes, observer);
  };
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::defects
