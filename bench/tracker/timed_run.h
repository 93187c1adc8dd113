// Running a command to its end, timed.
#pragma once

#include <string>

namespace leakhunt::bench {

struct TimedRun {
  int exit_status = 0;
  double seconds = 0;
  std::string out;
};

// Through /bin/sh; standard error is thrown away.
TimedRun timed_run(const std::string& command_line);

}  // namespace leakhunt::bench
