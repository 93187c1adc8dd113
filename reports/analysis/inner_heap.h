// inner_heap: a known allocator inside the program that hands out pieces of large mappings, which the tracker
// sees only as a whole.
#pragma once

#include <string>

#include "lib/recording/run.h"
#include "reports/analysis/growth.h"

namespace leakhunt::reports {

// What is not seen of it, and how to see it, as a sentence; empty where there is none. Python's: arenas of
// 1 MiB (256 KiB before 3.10) for objects of up to 512 bytes (CPython, Objects/obmalloc.c).
std::string inner_heap_sentence(const recording::Run& run, const GrowthMap& growth);

}  // namespace leakhunt::reports
