// How a process ends without running destructors: _exit, _Exit, quick_exit, and exec; and _Fork, the one fork
// that runs no handlers (runtime.cpp).
//
// exec keeps the process, so the new program is recorded into the same file: the variables that were taken
// out of the environment at start are put back for it. A child of vfork shares our memory and is not
// recorded, but if children are followed the program that it becomes is. Its environment lies on its stack:
// the parent goes on in this memory, and nothing may be left in it.
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "instrument/hooks/real_functions.h"
#include "instrument/hooks/recorded_environment.h"
#include "instrument/os/atomics.h"
#include "instrument/runtime.h"
#include "instrument/tracker/tracker.h"

using leakhunt::hooks::can_record;
using leakhunt::hooks::can_record_at;
using leakhunt::hooks::can_record_from_path;
using leakhunt::hooks::has_own_recording;
using leakhunt::hooks::MappedEnvironment;
using leakhunt::hooks::ready;
using leakhunt::hooks::real;
using leakhunt::hooks::RecordedEnvironment;
using leakhunt::recording::EndKind;
using leakhunt::tracker::tracker;

namespace {

constexpr size_t kMostOnStack = 16 << 10;  // a longer environment is not followed behind vfork

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wvla"

template <typename Exec>
int exec_behind_vfork(char* const* environment, Exec really) {
  RecordedEnvironment recorded(environment);
  if (recorded.bytes() > kMostOnStack) return really(environment);
  char* memory[recorded.bytes() / sizeof(char*) + 1];
  return really(recorded.make(memory));
}

// recordable() looks at the program's file; `program` is its name, "" if it has none.
template <typename Recordable, typename Exec>
int exec_in(const char* program, char* const* environment, Recordable recordable, Exec really) {
  if (!tracker.active()) return really(environment);
  if (!tracker.in_recorded_process()) {
    const bool follows = leakhunt::runtime::follows_children() && recordable();
    return follows ? exec_behind_vfork(environment, really) : really(environment);
  }
  const EndKind kind = has_own_recording(environment) ? EndKind::kDetached : EndKind::kExec;
  tracker.write_end(kind, program != nullptr ? program : "");
  if (leakhunt::hooks::attached() || !recordable()) return really(environment);
  const MappedEnvironment recorded(environment);
  return really(recorded.get());
}

int exec_path(const char* path, char* const* arguments, char* const* environment) {
  ready();
  return exec_in(
      path, environment, [=] { return can_record(path, environment); },
      [=](char* const* whole) { return real.execve(path, arguments, whole); });
}

int exec_from_path(const char* file, char* const* arguments, char* const* environment) {
  ready();
  return exec_in(
      file, environment, [=] { return can_record_from_path(file, environment); },
      [=](char* const* whole) { return real.execvpe(file, arguments, whole); });
}

// Collects the arguments of execl and its like into an array; `count` includes the final null pointer.
#define LEAKHUNT_COLLECT(first, rest, arguments)  \
  va_start(rest, first);                          \
  size_t count = 1;                               \
  while (va_arg(rest, char*) != nullptr) ++count; \
  va_end(rest);                                   \
  char* arguments[count + 1];                     \
  va_start(rest, first);                          \
  arguments[0] = const_cast<char*>(first);        \
  for (size_t i = 1; i <= count; ++i) arguments[i] = va_arg(rest, char*)

}  // namespace

LEAKHUNT_HOOK int execve(const char* path, char* const* arguments, char* const* environment) noexcept {
  return exec_path(path, arguments, environment);
}

LEAKHUNT_HOOK int execv(const char* path, char* const* arguments) noexcept {
  return exec_path(path, arguments, environ);
}

LEAKHUNT_HOOK int execvpe(const char* file, char* const* arguments, char* const* environment) noexcept {
  return exec_from_path(file, arguments, environment);
}

LEAKHUNT_HOOK int execvp(const char* file, char* const* arguments) noexcept {
  return exec_from_path(file, arguments, environ);
}

LEAKHUNT_HOOK int fexecve(int file, char* const* arguments, char* const* environment) noexcept {
  ready();
  return exec_in(
      "", environment, [=] { return can_record(file, environment); },
      [=](char* const* whole) { return real.fexecve(file, arguments, whole); });
}

LEAKHUNT_HOOK int execveat(int directory, const char* path, char* const* arguments, char* const* environment,
                           int flags) noexcept {
  ready();
  return exec_in(
      path, environment, [=] { return can_record_at(directory, path, flags, environment); },
      [=](char* const* whole) { return real.execveat(directory, path, arguments, whole, flags); });
}

LEAKHUNT_HOOK int execl(const char* path, const char* first, ...) noexcept {
  va_list rest;
  LEAKHUNT_COLLECT(first, rest, arguments);
  va_end(rest);
  return exec_path(path, arguments, environ);
}

LEAKHUNT_HOOK int execlp(const char* file, const char* first, ...) noexcept {
  va_list rest;
  LEAKHUNT_COLLECT(first, rest, arguments);
  va_end(rest);
  return exec_from_path(file, arguments, environ);
}

LEAKHUNT_HOOK int execle(const char* path, const char* first, ...) noexcept {
  va_list rest;
  LEAKHUNT_COLLECT(first, rest, arguments);
  char* const* environment = va_arg(rest, char* const*);
  va_end(rest);
  return exec_path(path, arguments, environment);
}

#pragma GCC diagnostic pop

LEAKHUNT_HOOK pid_t _Fork() noexcept {
  ready();
  return leakhunt::runtime::fork_without_handlers(real._Fork);
}

LEAKHUNT_HOOK void _exit(int status) {
  ready();
  tracker.stop(EndKind::kQuickExit);
  real._exit(status);
  __builtin_unreachable();
}

LEAKHUNT_HOOK void _Exit(int status) noexcept {
  ready();
  tracker.stop(EndKind::kQuickExit);
  real._Exit(status);
  __builtin_unreachable();
}

LEAKHUNT_HOOK void quick_exit(int status) noexcept {
  ready();
  tracker.stop(EndKind::kQuickExit);
  real.quick_exit(status);
  __builtin_unreachable();
}
