#include "instrument/os/process_file.h"

#include <errno.h>
#include <fcntl.h>

#include "instrument/os/system_call.h"
#include "instrument/os/text.h"

namespace leakhunt::tracker {

namespace {

constexpr unsigned kMostOfOneNumber = 10'000;

}  // namespace

int create_process_file(const char* directory, uint64_t pid, char* path, size_t capacity) {
  for (unsigned attempt = 1; attempt < kMostOfOneNumber; ++attempt) {
    Text text(path, capacity);
    text.put(directory);
    if (attempt == 1 && text.fits()) system_call(SYS_mkdirat, AT_FDCWD, path, 0777);
    text.put('/').put(pid);
    if (attempt > 1) text.put('-').put(uint64_t{attempt});
    text.put(".lhr");
    if (!text.fits()) return ENAMETOOLONG;
    const long file = system_call(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (!is_error(file)) {
      system_call(SYS_close, file);
      return 0;
    }
    if (file != -EEXIST) return static_cast<int>(-file);
  }
  return EEXIST;
}

}  // namespace leakhunt::tracker
