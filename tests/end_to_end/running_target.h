// A program of tests/targets that runs beside the test: what leakhunt attaches to.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace leakhunt::end_to_end {

class RunningTarget {
 public:
  // Started, and past its "ready".
  explicit RunningTarget(const std::vector<std::string>& command);
  // Killed, if it still runs.
  ~RunningTarget();
  RunningTarget(const RunningTarget&) = delete;
  RunningTarget& operator=(const RunningTarget&) = delete;

  pid_t pid() const { return pid_; }
  bool is_running() const;

  // Until it sleeps in a system call that is no write.
  void wait_until_it_waits() const;

  // A line on its stdin, which is its sign to end.
  void tell();
  // Its status as a shell says it, when it has ended; what it printed is then in output().
  int end();
  const std::string& output() const { return output_; }

  // What /proc says of it that a program could notice: descriptors, environment, directory, signals.
  std::string surroundings() const;

 private:
  pid_t pid_ = 0;
  int in_ = -1;
  int out_ = -1;
  std::string output_;
};

// leakhunt attach PID OPTIONS, with the recording and the reports in `folder`.
std::string attach_command(pid_t pid, const std::string& options, const std::string& folder);

// Whether this machine lets us trace at all; why not otherwise.
bool may_trace(std::string* why_not);

}  // namespace leakhunt::end_to_end
