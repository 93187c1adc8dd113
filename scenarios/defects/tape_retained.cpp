// tape-retained: the nodes survive the reset.
//
// They are kept on a list instead of the free list, so every operation of every iteration takes a fresh node.
// Per iteration: operations x Tape::node_bytes, all reachable from the tape.
#include "lib/trainer/tape.h"
#include "scenarios/defects/defect.h"

namespace leakhunt::defects {
inline namespace LEAKHUNT_PRECISION {
namespace {

class RetainingTape final : public trainer::Tape {
 public:
  using Tape::Tape;

 private:
  void recycle(trainer::Node* newest) override {
    if (newest == nullptr) return;
    trainer::Node* oldest = newest;
    while (oldest->previous != nullptr) oldest = oldest->previous;
    oldest->previous = kept_;
    kept_ = newest;
  }

  trainer::Node* kept_ = nullptr;
};

}  // namespace

void apply_tape_retained(trainer::Seams& seams, std::uint64_t) {
  seams.make_tape = [](std::pmr::memory_resource& nodes) -> std::unique_ptr<trainer::Tape> {
    return std::make_unique<RetainingTape>(nodes);
  };
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::defects
