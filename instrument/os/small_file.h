// small_file: a file of /proc or /sys in one piece.
#pragma once

#include <stddef.h>

namespace leakhunt::tracker {

// The whole of it, cut at `capacity`. Bytes put into `buffer`, 0 when there is none. Touches no errno.
size_t read_small_file(const char* path, char* buffer, size_t capacity);

}  // namespace leakhunt::tracker
