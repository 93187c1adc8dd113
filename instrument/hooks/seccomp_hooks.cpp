// prctl(PR_SET_SECCOMP): behind it a system call of ours may end the process. Tracking stops in front of it.
//
// A filter that is installed by a bare system call is not seen; docs/tracker.md lists the calls we make.
#include <stdarg.h>
#include <sys/prctl.h>

#include "instrument/hooks/real_functions.h"
#include "instrument/tracker/tracker.h"

using leakhunt::hooks::ready;
using leakhunt::hooks::real;
using leakhunt::tracker::tracker;

LEAKHUNT_HOOK int prctl(int option, ...) noexcept {
  ready();
  unsigned long arguments[4];
  va_list rest;
  va_start(rest, option);
  for (unsigned long& argument : arguments) argument = va_arg(rest, unsigned long);
  va_end(rest);
  if (option == PR_SET_SECCOMP && tracker.in_recorded_process())
    tracker.stop_before_restriction("the program restricts its system calls");
  return real.prctl(option, arguments[0], arguments[1], arguments[2], arguments[3]);
}
