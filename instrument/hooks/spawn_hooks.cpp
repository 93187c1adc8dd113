// Children that begin with another program: posix_spawn, posix_spawnp, system, popen, wordexp. If children
// are followed, the program is given what it needs to be recorded; otherwise all of this is the real
// function.
//
// libc's system and popen start the shell from inside libc, where no hook is, with `environ`. popen only
// waits until the shell has begun, so it gets another `environ` for that long; so does wordexp, which waits
// for the shell's output and looks variables up there, unless ours are among those it is asked for. system
// waits for the shell's end, and another thread may look at `environ` meanwhile: here it is written out, as
// POSIX.1-2017 describes it.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wordexp.h>

#include "instrument/hooks/real_functions.h"
#include "instrument/hooks/recorded_environment.h"
#include "instrument/os/atomics.h"
#include "instrument/runtime.h"
#include "instrument/tracker/tracker.h"

using leakhunt::hooks::can_record;
using leakhunt::hooks::can_record_from_path;
using leakhunt::hooks::MappedEnvironment;
using leakhunt::hooks::ready;
using leakhunt::hooks::real;
using leakhunt::hooks::RecordedEnvironment;
using leakhunt::tracker::SpinGuard;
using leakhunt::tracker::SpinLock;
using leakhunt::tracker::tracker;

namespace {

const char kShell[] = "/bin/sh";

bool follows() {
  ready();
  return leakhunt::runtime::follows_children() && tracker.in_recorded_process();
}

// --- system

// While any thread is in system(), the process ignores SIGINT and SIGQUIT.
class IgnoredSignals {
 public:
  void begin() {
    const SpinGuard guard(lock_);
    if (users_++ != 0) return;
    struct sigaction ignored {};
    ignored.sa_handler = SIG_IGN;
    sigaction(SIGINT, &ignored, &interrupt_);
    sigaction(SIGQUIT, &ignored, &quit_);
  }
  void end() {
    const SpinGuard guard(lock_);
    if (--users_ != 0) return;
    sigaction(SIGINT, &interrupt_, nullptr);
    sigaction(SIGQUIT, &quit_, nullptr);
  }
  // Those that the shell shall not ignore, since we would not.
  void add_heeded(sigset_t* signals) {
    const SpinGuard guard(lock_);
    if (interrupt_.sa_handler != SIG_IGN) sigaddset(signals, SIGINT);
    if (quit_.sa_handler != SIG_IGN) sigaddset(signals, SIGQUIT);
  }

 private:
  SpinLock lock_;
  unsigned users_ = 0;
  struct sigaction interrupt_ {};
  struct sigaction quit_ {};
};

constinit IgnoredSignals ignored_signals;

struct Shell {
  pid_t pid;
  sigset_t blocked_before;
};

int start_shell(const char* line, Shell* shell) {
  sigset_t heeded;
  sigemptyset(&heeded);
  ignored_signals.add_heeded(&heeded);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &shell->blocked_before);
  posix_spawnattr_setsigdefault(&attributes, &heeded);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  const char* const arguments[] = {"sh", "-c", line, nullptr};
  const MappedEnvironment recorded(environ);
  const int error = real.posix_spawn(&shell->pid, kShell, nullptr, &attributes,
                                     const_cast<char* const*>(arguments), recorded.get());
  posix_spawnattr_destroy(&attributes);
  return error;
}

int wait_for(pid_t pid) {
  int status = -1;
  pid_t ended = 0;
  do {
    ended = waitpid(pid, &status, 0);
  } while (ended < 0 && errno == EINTR);
  return ended == pid ? status : -1;
}

// The thread is cancelled while it waits.
void end_shell(void* cancelled) {
  const Shell* shell = static_cast<const Shell*>(cancelled);
  kill(shell->pid, SIGKILL);
  int state = 0;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
  wait_for(shell->pid);
  pthread_setcancelstate(state, nullptr);
  ignored_signals.end();
  pthread_sigmask(SIG_SETMASK, &shell->blocked_before, nullptr);
}

int run_in_shell(const char* line) {
  Shell shell{};
  sigset_t child_ended;
  sigemptyset(&child_ended);
  sigaddset(&child_ended, SIGCHLD);
  ignored_signals.begin();
  pthread_sigmask(SIG_BLOCK, &child_ended, &shell.blocked_before);
  const int error = start_shell(line, &shell);
  int status = W_EXITCODE(127, 0);  // as if the shell had started and found nothing to execute
  if (error == 0) {
    pthread_cleanup_push(end_shell, &shell);
    status = wait_for(shell.pid);
    pthread_cleanup_pop(0);
  }
  ignored_signals.end();
  pthread_sigmask(SIG_SETMASK, &shell.blocked_before, nullptr);
  if (error != 0) errno = error;
  return status;
}

// --- popen

// Copies what is not ours to `to`, which may be `from`.
void take_out_ours(char** from, char** to, const RecordedEnvironment& content) {
  for (; *from != nullptr; ++from) {
    char* variable = *from;
    if (content.is_ours(*from, &variable) && variable == nullptr) continue;
    if (*to != variable) *to = variable;
    ++to;
  }
  if (*to != nullptr) *to = nullptr;
}

// Gives libc another `environ` for a moment. What other threads change in it meanwhile (by setenv, which
// changes an array in place or makes a larger one) is kept.
class LentEnvironment {
 public:
  LentEnvironment() : before_(environ), recorded_(environ) { environ = recorded_.get(); }
  ~LentEnvironment() {
    if (recorded_.get() == before_) return;
    const bool same = environ == recorded_.get();
    take_out_ours(environ, same ? before_ : environ, recorded_.content());
    if (same) environ = before_;
  }
  LentEnvironment(const LentEnvironment&) = delete;
  LentEnvironment& operator=(const LentEnvironment&) = delete;

 private:
  char** before_;
  MappedEnvironment recorded_;
};

}  // namespace

LEAKHUNT_HOOK int posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                              const posix_spawnattr_t* attributes, char* const* arguments,
                              char* const* environment) {
  if (!follows() || !can_record(path, environment))
    return real.posix_spawn(pid, path, actions, attributes, arguments, environment);
  const MappedEnvironment recorded(environment);
  return real.posix_spawn(pid, path, actions, attributes, arguments, recorded.get());
}

LEAKHUNT_HOOK int posix_spawnp(pid_t* pid, const char* file, const posix_spawn_file_actions_t* actions,
                               const posix_spawnattr_t* attributes, char* const* arguments,
                               char* const* environment) {
  if (!follows() || !can_record_from_path(file, environment))
    return real.posix_spawnp(pid, file, actions, attributes, arguments, environment);
  const MappedEnvironment recorded(environment);
  return real.posix_spawnp(pid, file, actions, attributes, arguments, recorded.get());
}

LEAKHUNT_HOOK int system(const char* line) {
  if (line == nullptr || !follows() || !can_record(kShell, environ)) return real.system(line);
  return run_in_shell(line);
}

LEAKHUNT_HOOK FILE* popen(const char* line, const char* mode) {
  if (!follows() || environ == nullptr || !can_record(kShell, environ)) return real.popen(line, mode);
  const LentEnvironment lent;
  return real.popen(line, mode);
}

LEAKHUNT_HOOK int wordexp(const char* words, wordexp_t* result, int flags) {
  const bool starts_shell = (flags & WRDE_NOCMD) == 0 && words != nullptr &&
                            (strchr(words, '`') != nullptr || strstr(words, "$(") != nullptr);
  const bool names_ours = starts_shell && (strstr(words, "LD_PRELOAD") || strstr(words, "LEAKHUNT_"));
  if (!starts_shell || names_ours || !follows() || environ == nullptr || !can_record(kShell, environ))
    return real.wordexp(words, result, flags);
  const LentEnvironment lent;
  return real.wordexp(words, result, flags);
}
