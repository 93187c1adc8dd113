// checkpoint-leaks: each save keeps its serialisation buffer.
//
// The buffer is taken anew for the next save, and nobody gives the old one back. Per checkpoint:
// checkpoint_buffer_bytes, unreachable.
#include "scenarios/defects/defect.h"
#include "scenarios/defects/forgetful_resource.h"

namespace leakhunt::defects {
inline namespace LEAKHUNT_PRECISION {

void apply_checkpoint_leaks(trainer::Seams& seams, std::uint64_t) {
  static ForgetfulResource checkpoints(*seams.memory.checkpoints);
  seams.memory.checkpoints = &checkpoints;
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::defects
