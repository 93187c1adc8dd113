#include "instrument/os/small_file.h"

#include <fcntl.h>

#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

size_t read_small_file(const char* path, char* buffer, size_t capacity) {
  const long file = system_call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (is_error(file)) return 0;
  size_t used = 0;
  while (used < capacity) {
    const long got = system_call(SYS_read, file, buffer + used, capacity - used);
    if (got <= 0) break;
    used += static_cast<size_t>(got);
  }
  system_call(SYS_close, file);
  return used;
}

}  // namespace leakhunt::tracker
