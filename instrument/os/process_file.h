// The file for the recording of one process among many, in a directory for all of them.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace leakhunt::tracker {

// Creates DIRECTORY/PID.lhr, or PID-2.lhr, PID-3.lhr ... where an earlier process had the same number: never
// one that is there already. Makes the directory if its parent exists. The name is left in `path`. 0, or the
// errno of what failed.
int create_process_file(const char* directory, uint64_t pid, char* path, size_t capacity);

}  // namespace leakhunt::tracker
