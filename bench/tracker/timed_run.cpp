#include "bench/tracker/timed_run.h"

#include <stdio.h>
#include <sys/wait.h>

#include <array>
#include <chrono>

namespace leakhunt::bench {

TimedRun timed_run(const std::string& command_line) {
  const auto start = std::chrono::steady_clock::now();
  FILE* pipe = popen(("exec 2>/dev/null; " + command_line).c_str(), "r");
  TimedRun run;
  if (pipe == nullptr) {
    run.exit_status = -1;
    return run;
  }
  std::array<char, 4096> buffer;
  for (size_t bytes = fread(buffer.data(), 1, buffer.size(), pipe); bytes != 0;
       bytes = fread(buffer.data(), 1, buffer.size(), pipe)) {
    run.out.append(buffer.data(), bytes);
  }
  const int status = pclose(pipe);
  run.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return run;
}

}  // namespace leakhunt::bench
