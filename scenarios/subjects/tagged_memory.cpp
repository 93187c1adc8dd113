// tagged_memory: the seams of an instrumented trainer: every resource tagged, the arena's inside and the
// iterations reported to the tracker, and the defect that the environment asks for on top.
//
// Without a tracker in the process all of it does nothing (see leakhunt.h).
#include "instrument/leakhunt.hpp"
#include "lib/trainer/seams.h"
#include "scenarios/defects/defect.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {
namespace {

// The pieces the arena hands out, inside chunks that are counted already.
class ArenaPool final : public ArenaObserver {
  void allocated(std::size_t bytes) override { pool_.allocated(bytes); }
  void reset() override { pool_.reset(); }

  Pool pool_{tag("arena.tensor")};
};

class IterationClock final : public TrainingObserver {
  void iteration_ended(std::uint64_t number) override { iteration(number); }
};

struct TaggedSeams {
  TaggedResource parameters{"parameter"};
  TaggedResource gradients{"gradient"};
  TaggedResource optimizer_m{"optimizer.m"};
  TaggedResource optimizer_v{"optimizer.v"};
  TaggedResource tape_nodes{"tape.node"};
  TaggedResource arena_chunks{"arena.chunk"};
  TaggedResource dataset{"dataset"};
  TaggedResource batches{"batch"};
  TaggedResource samples{"sample"};
  TaggedResource checkpoints{"checkpoint"};
  TaggedResource thread_stacks{"thread.stack", &mapped_stacks()};
  TaggedResource worker_contexts{"worker.context"};
  TaggedResource cache_embedding{"cache.embedding"};
  TaggedResource cache_attention{"cache.attention"};
  TaggedResource cache_feed_forward{"cache.feed_forward"};
  TaggedResource cache_backward{"cache.backward"};
  ArenaPool arena_pool;
  IterationClock clock;
  Seams seams;

  TaggedSeams() {
    seams.memory = {.parameters = &parameters,
                    .gradients = &gradients,
                    .optimizer_m = &optimizer_m,
                    .optimizer_v = &optimizer_v,
                    .tape_nodes = &tape_nodes,
                    .arena_chunks = &arena_chunks,
                    .scratch = nullptr,
                    .dataset = &dataset,
                    .batches = &batches,
                    .samples = &samples,
                    .checkpoints = &checkpoints,
                    .threads = {.stacks = &thread_stacks,
                                .contexts = &worker_contexts,
                                .cache_embedding = &cache_embedding,
                                .cache_attention = &cache_attention,
                                .cache_feed_forward = &cache_feed_forward,
                                .cache_backward = &cache_backward}};
    seams.arena_observer = &arena_pool;
    defects::apply_selected(seams);
    seams.training_observers.push_back(&clock);
  }
};

}  // namespace

Seams& subject_seams() {
  static TaggedSeams tagged;
  return tagged.seams;
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
