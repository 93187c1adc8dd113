#include "instrument/os/process_file.h"

#include <errno.h>
#include <fcntl.h>

#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

namespace {

constexpr unsigned kMostOfOneNumber = 10'000;

// Text appended in a buffer of fixed size; `fits` until it does not.
struct Text {
  char* at;
  char* end;
  bool fits = true;

  void put(char c) {
    fits = fits && at + 1 < end;
    if (fits) *at++ = c;
  }
  void put(const char* text) {
    for (; *text != '\0'; ++text) put(*text);
  }
  void put(uint64_t number) {
    char digits[20];
    size_t count = 0;
    do {
      digits[count++] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    while (count > 0) put(digits[--count]);
  }
};

}  // namespace

int create_process_file(const char* directory, uint64_t pid, char* path, size_t capacity) {
  for (unsigned attempt = 1; attempt < kMostOfOneNumber; ++attempt) {
    Text text{path, path + capacity};
    text.put(directory);
    *text.at = '\0';
    if (attempt == 1 && text.fits) system_call(SYS_mkdirat, AT_FDCWD, path, 0777);
    text.put('/');
    text.put(pid);
    if (attempt > 1) {
      text.put('-');
      text.put(uint64_t{attempt});
    }
    text.put(".lhr");
    *text.at = '\0';
    if (!text.fits) return ENAMETOOLONG;
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
