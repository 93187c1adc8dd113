// process_memory: the resident memory of another process, from /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace leakhunt::runner {

// Absent when the process has ended.
std::optional<uint64_t> resident_bytes(pid_t pid);

// The maximum since its program was started (VmHWM). Slower: the kernel counts the whole page table's sums.
std::optional<uint64_t> peak_resident_bytes(pid_t pid);

}  // namespace leakhunt::runner
