// Running a command line as a shell does, and a program under the tracker.
#pragma once

#include <string>

#include "lib/recording/run.h"

namespace leakhunt::end_to_end {

// A folder that is gone, with what is in it, at the end of the scope.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

struct Finished {
  int exit_status = 0;  // 128 + signal if one ended it, as a shell says
  std::string out;
  std::string err;
};

// Through /bin/sh, to the end.
Finished run_command(const std::string& command_line);

struct Recorded {
  Finished finished;
  recording::Run run;
};

// `command_line` with the library preloaded and no clock but its own marks; `prefix` goes in front ("ulimit
// -f 1; "), `libraries` are preloaded behind ours ("libjemalloc.so.2"). Fails the test if there is no
// readable recording.
Recorded recorded(const std::string& command_line, const std::string& prefix = "",
                  const std::string& libraries = "");

// A program of tests/targets.
std::string target(const std::string& name);

std::string read_file(const std::string& path);

// Sums over the sites of one tag at the end.
struct TagTotals {
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;
  uint64_t frees = 0;
  uint64_t freed_bytes = 0;
  bool operator==(const TagTotals&) const = default;
};

}  // namespace leakhunt::end_to_end
