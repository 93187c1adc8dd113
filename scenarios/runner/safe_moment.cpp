#include "scenarios/runner/safe_moment.h"

#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace leakhunt::runner {

namespace {

// Of libc: they wait for something outside, and hold no lock of libc meanwhile. (Names without underscores.)
constexpr std::array<std::string_view, 49> kWaiting = {"read",
                                                       "pread64",
                                                       "readv",
                                                       "nanosleep",
                                                       "clock_nanosleep",
                                                       "usleep",
                                                       "sleep",
                                                       "poll",
                                                       "ppoll",
                                                       "select",
                                                       "pselect",
                                                       "epoll_wait",
                                                       "epoll_pwait",
                                                       "epoll_pwait2",
                                                       "pause",
                                                       "sigsuspend",
                                                       "sigwait",
                                                       "sigwaitinfo",
                                                       "sigtimedwait",
                                                       "wait",
                                                       "wait3",
                                                       "wait4",
                                                       "waitpid",
                                                       "waitid",
                                                       "accept",
                                                       "accept4",
                                                       "recv",
                                                       "recvfrom",
                                                       "recvmsg",
                                                       "pthread_cond_wait",
                                                       "pthread_cond_timedwait",
                                                       "pthread_cond_clockwait",
                                                       "pthread_mutex_lock",
                                                       "pthread_join",
                                                       "pthread_timedjoin_np",
                                                       "pthread_clockjoin_np",
                                                       "sem_wait",
                                                       "sem_timedwait",
                                                       "sem_clockwait",
                                                       "pthread_rwlock_rdlock",
                                                       "pthread_rwlock_wrlock",
                                                       "pthread_barrier_wait",
                                                       "syscall",
                                                       "sched_yield",
                                                       "clock_gettime",
                                                       "gettimeofday",
                                                       "time",
                                                       "libc_start_main",
                                                       "libc_start_main_impl"};  // called main

// In any module.
constexpr std::array<std::string_view, 26> kAllocating = {
    "malloc",  "calloc",   "realloc",       "reallocarray",
    "free",    "cfree",    "memalign",      "posix_memalign",
    "valloc",  "pvalloc",  "aligned_alloc", "malloc_usable_size",
    "Znwm",    "Znam",     "ZdlPv",         "ZdaPv",
    "ZdlPvm",  "ZdaPvm",   "mallocx",       "dallocx",
    "rallocx", "sdallocx", "malloc_trim",   "mallinfo2",
    "exit",    "fork"};

bool contains(const auto& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string in(const OuterFrame& frame) {
  return "in " + (frame.function.empty() ? frame.module : frame.function);
}

// Whatever is said of the frame's neighbours.
bool is_forbidden(const OuterFrame& frame) {
  const bool is_allocator = frame.module.find("malloc") != std::string::npos;
  return is_allocator || is_loader(frame.module) || frame.module.starts_with("libleakhunt") ||
         contains(kAllocating, frame.function);
}

}  // namespace

std::string why_not_now(const OuterStack& stack) {
  const auto& frames = stack.frames;
  if (frames.empty()) return "at a place that cannot be told";
  for (const OuterFrame& frame : frames) {
    if (is_forbidden(frame)) return in(frame);
  }
  // Runs of frames of libc, from the innermost. What the program called is the outermost of each.
  for (size_t i = 0; i < frames.size(); ++i) {
    if (!is_libc(frames[i].module)) continue;
    const size_t first = i;
    while (i + 1 < frames.size() && is_libc(frames[i + 1].module)) ++i;
    const bool is_threads_begin = i + 1 == frames.size() && first > 0 && stack.is_complete;
    if (!is_threads_begin && !contains(kWaiting, frames[i].function)) return in(frames[i]);
  }
  return {};
}

bool comes_back_interrupted(long system_call) {
  static constexpr std::array kOnes = {SYS_epoll_wait,      SYS_epoll_pwait, SYS_epoll_pwait2, SYS_semop,
                                       SYS_semtimedop,      SYS_recvfrom,    SYS_recvmsg,      SYS_recvmmsg,
                                       SYS_rt_sigtimedwait, SYS_accept,      SYS_accept4,      SYS_read,
                                       SYS_io_getevents,    SYS_sendto,      SYS_sendmsg,      SYS_msgrcv};
  return std::find(kOnes.begin(), kOnes.end(), system_call) != kOnes.end();
}

bool only_waits(long system_call) {
  static constexpr std::array kOnes = {
      SYS_futex, SYS_nanosleep, SYS_clock_nanosleep, SYS_poll, SYS_ppoll,  SYS_select,  SYS_pselect6,
      SYS_pause, SYS_wait4,     SYS_waitid,          SYS_read, SYS_accept, SYS_accept4, SYS_rt_sigsuspend};
  return std::find(kOnes.begin(), kOnes.end(), system_call) != kOnes.end();
}

}  // namespace leakhunt::runner
