// tape-capacity: the tape grows to the most nodes that were ever recorded at once, and never shrinks.
//
// Once, after `evaluation` iterations, somebody looks at what was recorded (an evaluation, a plot of
// gradients) while the next iteration is recording already: its nodes come back one reset late. From then on
// the free list holds twice the nodes that an iteration needs. Costs operations x Tape::node_bytes, once: a
// step, then a plateau.
#include <utility>

#include "lib/trainer/tape.h"
#include "scenarios/defects/defect.h"

namespace leakhunt::defects {
inline namespace LEAKHUNT_PRECISION {
namespace {

constexpr std::uint64_t evaluation = 50;

class HoardingTape final : public trainer::Tape {
 public:
  using Tape::Tape;

 private:
  void recycle(trainer::Node* newest) override {
    if (++resets_ == evaluation) {
      looked_at_ = newest;
      return;
    }
    Tape::recycle(newest);
    Tape::recycle(std::exchange(looked_at_, nullptr));
  }

  std::uint64_t resets_ = 0;
  trainer::Node* looked_at_ = nullptr;
};

}  // namespace

void apply_tape_capacity(trainer::Seams& seams, std::uint64_t) {
  seams.make_tape = [](std::pmr::memory_resource& nodes) -> std::unique_ptr<trainer::Tape> {
    return std::make_unique<HoardingTape>(nodes);
  };
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::defects
