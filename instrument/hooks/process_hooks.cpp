// How a process ends without running destructors: _exit, _Exit, quick_exit, and exec.
//
// exec keeps the process, so the new program is recorded into the same file: the variables that were taken
// out of the environment at start are put back for it. Not in children of vfork: they share our memory and
// are not recorded.
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "instrument/hooks/real_functions.h"
#include "instrument/os/atomics.h"
#include "instrument/os/pages.h"
#include "instrument/runtime.h"
#include "instrument/tracker/tracker.h"

using leakhunt::hooks::ready;
using leakhunt::hooks::real;
using leakhunt::recording::EndKind;
using leakhunt::runtime::hidden_variables;
using leakhunt::tracker::kPage;
using leakhunt::tracker::map_pages;
using leakhunt::tracker::tracker;
using leakhunt::tracker::unmap_pages;

namespace {

// The environment for the next program, on pages of our own while the real exec runs.
class RecordedEnvironment {
 public:
  RecordedEnvironment(const char* program, char* const* environment) : environment_(environment) {
    if (!tracker.in_recorded_process()) return;
    tracker.write_end(EndKind::kExec, program != nullptr ? program : "");
    size_t hidden = 0;
    const char* const* variables = hidden_variables(&hidden);
    size_t count = 0;
    while (environment != nullptr && environment[count] != nullptr) ++count;
    bytes_ = ((count + hidden + 1) * sizeof(char*) + kPage - 1) / kPage * kPage;
    const char** extended = static_cast<const char**>(map_pages(bytes_));
    if (extended == nullptr) return;
    size_t used = 0;
    for (size_t i = 0; i < hidden; ++i) extended[used++] = variables[i];
    for (size_t i = 0; i < count; ++i) {
      if (!is_hidden_name(environment[i], variables, hidden)) extended[used++] = environment[i];
    }
    environment_ = const_cast<char* const*>(extended);
    pages_ = extended;
  }
  ~RecordedEnvironment() {  // exec failed
    if (pages_ != nullptr) unmap_pages(pages_, bytes_);
  }
  RecordedEnvironment(const RecordedEnvironment&) = delete;
  RecordedEnvironment& operator=(const RecordedEnvironment&) = delete;

  char* const* get() const { return environment_; }

 private:
  // Ours replaces what is left of the target's (an LD_PRELOAD of its own is part of ours).
  static bool is_hidden_name(const char* variable, const char* const* hidden, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      size_t at = 0;
      while (variable[at] == hidden[i][at] && variable[at] != '=' && variable[at] != '\0') ++at;
      if (variable[at] == '=' && hidden[i][at] == '=') return true;
    }
    return false;
  }

  char* const* environment_;
  void* pages_ = nullptr;
  size_t bytes_ = 0;
};

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
  ready();
  const RecordedEnvironment recorded(path, environment);
  return real.execve(path, arguments, recorded.get());
}

LEAKHUNT_HOOK int execv(const char* path, char* const* arguments) noexcept {
  ready();
  const RecordedEnvironment recorded(path, environ);
  return real.execve(path, arguments, recorded.get());
}

LEAKHUNT_HOOK int execvpe(const char* file, char* const* arguments, char* const* environment) noexcept {
  ready();
  const RecordedEnvironment recorded(file, environment);
  return real.execvpe(file, arguments, recorded.get());
}

LEAKHUNT_HOOK int execvp(const char* file, char* const* arguments) noexcept {
  ready();
  const RecordedEnvironment recorded(file, environ);
  return real.execvpe(file, arguments, recorded.get());
}

LEAKHUNT_HOOK int fexecve(int file, char* const* arguments, char* const* environment) noexcept {
  ready();
  const RecordedEnvironment recorded("", environment);
  return real.fexecve(file, arguments, recorded.get());
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wvla"

LEAKHUNT_HOOK int execl(const char* path, const char* first, ...) noexcept {
  va_list rest;
  LEAKHUNT_COLLECT(first, rest, arguments);
  va_end(rest);
  return execv(path, arguments);
}

LEAKHUNT_HOOK int execlp(const char* file, const char* first, ...) noexcept {
  va_list rest;
  LEAKHUNT_COLLECT(first, rest, arguments);
  va_end(rest);
  return execvp(file, arguments);
}

LEAKHUNT_HOOK int execle(const char* path, const char* first, ...) noexcept {
  va_list rest;
  LEAKHUNT_COLLECT(first, rest, arguments);
  char* const* environment = va_arg(rest, char* const*);
  va_end(rest);
  return execve(path, arguments, environment);
}

#pragma GCC diagnostic pop

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
