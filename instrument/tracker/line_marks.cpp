#include "instrument/tracker/line_marks.h"

#include <linux/futex.h>
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

bool is_pipe(int stream) {
  struct stat status {};
  return !is_error(system_call(SYS_fstat, stream, &status)) && S_ISFIFO(status.st_mode);
}

// Is something in the pipe that nobody has read? A terminal does not tell.
bool has_unread_output(int stream) {
  int bytes = 0;
  return is_pipe(stream) && !is_error(system_call(SYS_ioctl, stream, FIONREAD, &bytes)) && bytes > 0;
}

// To the larger of both; any thread.
void raise(uint64_t& cell, uint64_t value) {
  uint64_t seen = load_relaxed(cell);
  while (seen < value &&
         !__atomic_compare_exchange_n(&cell, &seen, value, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
  }
}

}  // namespace

void LineMarks::start(const uint64_t* words) {
  *this = LineMarks{};
  if (words == nullptr) return;
  words_ = words;
  start_ns_ = monotonic_ns();
  reads_at_event_ = load_acquire(words[1]);
  for (int i = 0; i < 2; ++i) {
    struct stat status {};
    system_call(SYS_fstat, i + 1, &status);  // closed: a device that is none
    streams_[i] = {status.st_dev, status.st_ino};
  }
}

// The program may have put something else there.
bool LineMarks::leads_to_reader(int stream) const {
  struct stat status {};
  if ((stream != 1 && stream != 2) || is_error(system_call(SYS_fstat, stream, &status))) return false;
  if (!S_ISFIFO(status.st_mode) && !S_ISCHR(status.st_mode)) return false;
  return (status.st_dev == streams_[0].device && status.st_ino == streams_[0].inode) ||
         (status.st_dev == streams_[1].device && status.st_ino == streams_[1].inode);
}

// What others write to the same stream is read as well, so what was read may say too early that all of ours
// was; what is refused or written in part says too late, and is given up after a while.
void LineMarks::before_write(int stream, size_t bytes) {
  if (bytes == 0 || !leads_to_reader(stream)) return;
  const uint64_t read = load_acquire(words_[3]);
  uint64_t due = load_relaxed(due_);
  while (!__atomic_compare_exchange_n(&due_, &due, (due > read ? due : read) + bytes, true, __ATOMIC_ACQ_REL,
                                      __ATOMIC_RELAXED)) {
  }
  __atomic_fetch_add(&writes_, uint64_t{1}, __ATOMIC_ACQ_REL);
}

void LineMarks::catch_up() {
  const uint64_t writes = load_acquire(writes_);
  const uint64_t due = load_acquire(due_);
  if (!is_read_up_to(due)) __atomic_fetch_add(&waited_ns_, wait_until_read(due), __ATOMIC_RELAXED);
  raise(waited_for_, writes);
}

// How long, in ns.
uint64_t LineMarks::wait_until_read(uint64_t bytes) {
  const uint64_t begin = monotonic_ns();
  if (load_relaxed(waited_ns_) > kFreeWait_ns + (begin - start_ns_) / kShareOfWaits) return 0;
  for (;;) {
    const uint64_t reads = load_acquire(words_[2]);
    const uint64_t waited = monotonic_ns() - begin;
    if (is_read_up_to(bytes)) return waited;
    if (waited >= kLongestWait_ns) {  // it was never written, perhaps
      store_release(due_, load_acquire(words_[3]));
      return waited;
    }
    const timespec rest{0, static_cast<long>(kLongestWait_ns - waited)};
    system_call(SYS_futex, &words_[2], FUTEX_WAIT, static_cast<uint32_t>(reads), &rest, 0L, 0L);
  }
}

bool LineMarks::has_caught_up() {
  const uint64_t since = load_relaxed(behind_since_ns_);
  if (likely(is_read_up_to(load_acquire(due_)))) {
    if (since != 0) store_relaxed(behind_since_ns_, uint64_t{0});
    return true;
  }
  const uint64_t now = monotonic_ns();
  if (since == 0) store_relaxed(behind_since_ns_, now);
  return since != 0 && now - since > kTooLongBehind_ns;
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
