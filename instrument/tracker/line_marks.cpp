#include "instrument/tracker/line_marks.h"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>

#include "instrument/os/proc_self.h"
#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

namespace {

constexpr timespec kPause{0, 200'000};
constexpr int kMostPauses = 250;
constexpr int kTerminalPauses = 25;
constexpr uint64_t kRingBegin = 8;  // as in scenarios/runner/match_count.cpp
constexpr uint64_t kRing = 504;
constexpr uint64_t kBeingWritten = 4;  // of the ring, at most, while we look at it

// Whoever prints faster than another process reads waits for it, but not often and not for long: for a
// sixteenth of the time, and at first, for 200 ms in all, after each twelfth more of it.
constexpr timespec kMoment{0, 20'000};
constexpr uint64_t kFirstDistance_ns = 20'000;
constexpr uint64_t kLargestDistance_ns = 320'000;
constexpr uint64_t kLongestWait_ns = 20'000'000;
constexpr uint64_t kWaitsAtFirst_ns = 200'000'000;
constexpr uint64_t kTimeBetweenWaits = 12;  // part of that before
constexpr uint64_t kShareOfWaits = 16;
constexpr uint64_t kTooLongBehind_ns = 100'000'000;

uint64_t later_by(uint64_t time, uint64_t than) {
  return time > than ? time - than : 0;
}

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

bool LineMarks::is_all_counted() const {
  const uint64_t begun = load_acquire(words_[1]);
  return begun == load_acquire(words_[2]) && !has_unread_output(1) && !has_unread_output(2) &&
         begun == load_acquire(words_[1]);
}

bool LineMarks::wait_a_moment(uint64_t begun_ns) {
  const uint64_t waited = load_relaxed(waited_ns_);
  const uint64_t ran = later_by(begun_ns, load_relaxed(first_behind_ns_) + waited);
  const bool may =
      waited < ran / kShareOfWaits || (waited < kWaitsAtFirst_ns && ran >= load_relaxed(next_wait_ns_));
  if (!may) return false;
  bool counted = false;
  uint64_t now = begun_ns;
  while (!counted && now - begun_ns < kLongestWait_ns) {
    system_call(SYS_nanosleep, &kMoment, nullptr);
    counted = is_all_counted();
    now = monotonic_ns();
  }
  store_relaxed(waited_ns_, waited + (now - begun_ns));
  store_relaxed(next_wait_ns_, ran + ran / kTimeBetweenWaits + kFirstDistance_ns);
  return counted;
}

// The distance between two looks grows while nothing is printed.
bool LineMarks::has_caught_up() {
  const uint64_t now = monotonic_ns();
  const uint64_t lines = count();
  if (now < load_relaxed(next_look_ns_) && lines == load_relaxed(lines_seen_)) return false;
  bool counted = is_all_counted();
  const bool idle = counted && lines == load_relaxed(lines_seen_);
  if (!counted) {
    if (load_relaxed(first_behind_ns_) == 0) store_relaxed(first_behind_ns_, now);
    counted = wait_a_moment(now);
  }
  const uint64_t since = load_relaxed(behind_since_ns_);
  const bool goes_on = counted || (since != 0 && now - since > kTooLongBehind_ns);
  if (goes_on || since == 0) store_relaxed(behind_since_ns_, goes_on ? uint64_t{0} : now);
  const uint64_t distance = load_relaxed(distance_ns_);
  const uint64_t next = idle && distance < kLargestDistance_ns ? 2 * distance
                        : idle                                 ? distance
                                                               : kFirstDistance_ns;
  store_relaxed(distance_ns_, next);
  store_relaxed(next_look_ns_, now + next);
  store_relaxed(lines_seen_, lines);
  return goes_on;
}

// A read that had begun may have missed what was printed just before the event; the one after it has not.
uint64_t LineMarks::most_at_last_event() const {
  const uint64_t done = load_acquire(words_[2]);
  uint64_t read = load_relaxed(reads_at_event_) + 1;
  if (done < read) return UINT64_MAX;
  if (done - read >= kRing - kBeingWritten) read = done - (kRing - kBeingWritten) + 1;
  return load_acquire(words_[kRingBegin + read % kRing]);
}

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
