#include "instrument/tracker/line_marks.h"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>

#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

namespace {

constexpr timespec kPause{0, 200'000};
constexpr int kMostPauses = 250;
constexpr int kTerminalPauses = 25;

bool is_pipe(int stream) {
  struct stat status {};
  return !is_error(system_call(SYS_fstat, stream, &status)) && S_ISFIFO(status.st_mode);
}

// Is something in the pipe that nobody has read? A terminal does not tell.
bool has_unread_output(int stream) {
  int bytes = 0;
  return is_pipe(stream) && !is_error(system_call(SYS_ioctl, stream, FIONREAD, &bytes)) && bytes > 0;
}

}  // namespace

// A pipe that is empty while no read is under way holds nothing back; a terminal must have been quiet for a
// while.
void LineMarks::wait_for_last() const {
  const int enough = is_pipe(1) && is_pipe(2) ? 1 : kTerminalPauses;
  uint64_t begun_before = 0;
  for (int quiet = 0, i = 0; i < kMostPauses && quiet < enough; ++i) {
    const bool waiting = has_unread_output(1) || has_unread_output(2);
    const uint64_t begun = load_acquire(words_[1]);
    const bool idle = !waiting && begun == load_acquire(words_[2]);
    quiet = idle && (enough == 1 || begun == begun_before) ? quiet + 1 : 0;
    begun_before = begun;
    if (quiet < enough) system_call(SYS_nanosleep, &kPause, nullptr);
  }
}

}  // namespace leakhunt::tracker
