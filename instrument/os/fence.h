// A fence for all threads of the process at once: its other half is a compiler's fence in each of them, which
// costs nothing.
#pragma once

#include <linux/membarrier.h>

#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

// Every thread sees what this one wrote before, and this one sees what they wrote until now: the other half
// of the fence in Tracker::enter.
inline void fence_for_all_threads() {
  system_call(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
  if (!is_error(system_call(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0))) return;
  system_call(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

}  // namespace leakhunt::tracker
