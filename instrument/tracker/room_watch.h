// RoomWatch: when it is looked next at what a control group's limit leaves to the process.
#pragma once

#include <stdint.h>

#include "instrument/os/atomics.h"

namespace leakhunt::tracker {

struct RoomWatch {
  SpinLock lock;  // of who looks
  uint64_t next_look_ns = 0;
};

}  // namespace leakhunt::tracker
