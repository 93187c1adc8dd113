// process_memory: what this process occupies, read from /proc without taking memory for it.
#pragma once

#include <cstdint>

namespace leakhunt::trainer {

// Resident bytes now, and the most there ever were; 0 where /proc does not tell.
struct ProcessMemory {
  std::uint64_t resident;
  std::uint64_t peak_resident;
};
ProcessMemory process_memory();

}  // namespace leakhunt::trainer
