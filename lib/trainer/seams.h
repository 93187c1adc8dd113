// seams: the doors through which others watch the trainer, or break it.
//
// The trainer takes every byte from a named memory resource and tells observers what it does; who they are it
// does not know. `train_full` gets ordinary resources (plain_seams.cpp). A subject under observation links
// its own subject_seams() instead, with tagged resources, observers, or a defect.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <vector>

#include "lib/trainer/arena.h"
#include "lib/trainer/precision.h"
#include "lib/trainer/thread_seams.h"
#include "lib/trainer/trainer_memory.h"

namespace leakhunt::trainer {
class CheckpointReader;
class CheckpointWriter;
}  // namespace leakhunt::trainer

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

class Adam;
class ParameterStore;
class Tape;

// Sees the steps of the training loop. Called on the training thread, in the order of registration.
class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;
  // The gradients may not be known yet: the optimizer takes them one by one as they become complete.
  virtual void before_optimizer_step(Adam&) {}
  virtual void after_optimizer_step(Adam&) {}
  // Iteration `number` (from 0) is over: the tape and the arena have been reset.
  virtual void iteration_ended(std::uint64_t /*number*/) {}
};

// Everything a subject can substitute.
struct Seams {
  TrainerMemory memory = plain_memory();
  ArenaObserver* arena_observer = nullptr;
  std::vector<TrainingObserver*> training_observers;
  std::unique_ptr<Arena> (*make_arena)(std::pmr::memory_resource& chunks, std::size_t chunk_bytes,
                                       ArenaObserver* observer);
  std::unique_ptr<Tape> (*make_tape)(std::pmr::memory_resource& nodes);
  ThreadSeams threads;  // of train_threaded

  // The tensors of a checkpoint: parameters, m and v.
  void (*write_tensors)(CheckpointWriter& writer, const ParameterStore& parameters, const Adam& adam);
  void (*read_tensors)(CheckpointReader& reader, const ParameterStore& parameters, const Adam& adam);

  Seams();  // plain memory, plain arena, plain tape, whole checkpoints, nobody watching
};

// The seams of this program, chosen when it is linked. Lives until the process ends.
Seams& subject_seams();

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
