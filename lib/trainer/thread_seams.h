// thread_seams: what a subject can substitute in train_threaded beside the memory of its threads.
#pragma once

#include <cstddef>

#include "lib/trainer/index.h"
#include "lib/trainer/thread_stacks.h"

namespace leakhunt::trainer {

// Sees a worker take up a sequence and put it down. Called on the worker's thread, without any lock.
class SequenceObserver {
 public:
  virtual ~SequenceObserver() = default;
  // Sequence `number` of this step, from 0; they are begun in ascending order.
  virtual void sequence_begins(Index number) = 0;
  // Also after a failure.
  virtual void sequence_ended(Index number) = 0;
  // What sequence_begins() waits for, if it does: "model". Null: for nothing.
  virtual const char* lock_name() const { return nullptr; }
};

// The most contexts that are made unless more are asked for: with the 19 MB of each, and model, optimizer and
// text, train_threaded stays below 500 MB however many processors and workers there are.
inline constexpr Index most_contexts = 16;

// How many sequences are to be worked on at once: `wanted`, or if that is 0 as many as the machine has
// processors, and never more than there are workers.
Index contexts_at_work(Index workers, Index wanted);

struct ThreadSeams {
  std::size_t stack_bytes = worker_stack_bytes;
  // How many contexts are made where `at_work` can be at work at once.
  Index (*contexts_made)(Index at_work) = [](Index at_work) { return at_work; };
  SequenceObserver* sequence_observer = nullptr;
};

}  // namespace leakhunt::trainer
