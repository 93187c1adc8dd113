// MemoryLeft: whether a control group leaves the command enough memory for something that can wait. It takes
// it from the target: they are in the same group.
#pragma once

#include <cstdint>

#include "instrument/os/control_group.h"

namespace leakhunt::runner {

class MemoryLeft {
 public:
  bool is_less_than(uint64_t bytes) {
    const tracker::GroupRoom room = group_.look("");
    return room.is_limited() && room.left < bytes;
  }

 private:
  tracker::ControlGroup group_{};
};

}  // namespace leakhunt::runner
