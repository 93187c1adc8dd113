#include "instrument/os/standard_error.h"

#include <signal.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

namespace {

constexpr int kStandardError = 2;
constexpr uint64_t kSignals = uint64_t{1} << (SIGPIPE - 1) | uint64_t{1} << (SIGXFSZ - 1);

struct Identity {
  dev_t device;
  ino_t file;
  bool known;
};
Identity at_start{};

Identity identity() {
  struct stat status {};
  if (is_error(system_call(SYS_fstat, kStandardError, &status))) return {};
  return {status.st_dev, status.st_ino, true};
}

// A write raises these in the thread that writes: blocked before, they wait there, and are taken away again
// unless they waited already.
void write_without_signals(const char* text, size_t bytes) {
  uint64_t mask = 0;
  uint64_t waited = 0;
  system_call(SYS_rt_sigprocmask, SIG_BLOCK, &kSignals, &mask, sizeof mask);
  system_call(SYS_rt_sigpending, &waited, sizeof waited);
  system_call(SYS_write, kStandardError, text, bytes);
  const uint64_t raised = kSignals & ~waited;
  const timespec now{};
  while (raised != 0 && !is_error(system_call(SYS_rt_sigtimedwait, &raised, nullptr, &now, sizeof raised))) {
  }
  system_call(SYS_rt_sigprocmask, SIG_SETMASK, &mask, nullptr, sizeof mask);
}

}  // namespace

void remember_standard_error() {
  at_start = identity();
}

void write_to_standard_error(const char* const* parts) {
  const Identity now = identity();
  if (!now.known || !at_start.known || now.device != at_start.device || now.file != at_start.file) return;
  char line[512];
  size_t used = 0;
  for (; *parts != nullptr; ++parts) {
    for (const char* part = *parts; *part != '\0' && used < sizeof line; ++part) line[used++] = *part;
  }
  write_without_signals(line, used);
}

}  // namespace leakhunt::tracker
