// turns: who may add to which gradient, and when; so that any number of workers add in one order.
//
// The gradients are divided into places (the operations that have parameters, in the order of the backward
// pass). Sequence s may add at a place as soon as sequence s - 1 has passed it:
//
//   place      0   1   2   3   4   5 ...
//   sequence 4 ─────────────────────>        the sums are those of one worker that takes the sequences one
//   sequence 5 ────────────>                 after the other, to the last bit
//   sequence 6 ───>
//
// There is no lock: a turn is a number that only its holder moves on. The lowest sequence at work never
// waits, so nothing can stand still as long as sequences are begun in ascending order.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory_resource>
#include <stdexcept>
#include <vector>

#include "lib/trainer/index.h"

namespace leakhunt::trainer {

// Thrown by Turns::wait when another sequence will never pass.
class TurnsGivenUp : public std::runtime_error {
 public:
  TurnsGivenUp() : std::runtime_error("another worker has failed") {}
};

class Turns {
 public:
  Turns(Index places, std::pmr::memory_resource& memory) : next_(places, &memory) {}

  Index places() const { return next_.size(); }

  // Sequence 0 is next at every place. While nobody is at work.
  void restart();

  // Returns when every sequence below `sequence` has passed `place`; what they wrote is then visible.
  void wait(Index place, Index sequence);

  // `sequence`, whose turn it is, has passed `place`.
  void pass(Index place, Index sequence);

  // Until the next restart nobody waits any more: wait() returns if it is the sequence's turn, and otherwise
  // throws TurnsGivenUp.
  void give_up();

 private:
  static constexpr std::uint32_t given_up = 1U << 31;  // beside the number of the next sequence

  std::pmr::vector<std::atomic<std::uint32_t>> next_;
};

}  // namespace leakhunt::trainer
