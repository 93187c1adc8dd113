// running_process: whether a process can be attached to, from what /proc says of it. Nothing of it is
// touched.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace leakhunt::runner {

struct RunningProcess {
  pid_t pid = 0;
  std::string name;  // of its program's file
  uid_t user = 0;
  gid_t group = 0;
};

// The error is a sentence: why it cannot be attached to (no such process, not ours, statically linked, traced
// or recorded already, ...), and the mend.
tl::expected<RunningProcess, std::string> inspect_process(pid_t pid, const std::filesystem::path& library);

// Whether the tracker is (still) in its program: false after an exec.
bool has_library(pid_t pid, const std::filesystem::path& library);

// Whether a file is mapped in it so that writing changes the file.
bool maps_shared(pid_t pid, const std::filesystem::path& file);

std::vector<pid_t> threads_of(pid_t pid);

// What the kernel says a thread does: the number of the system call it waits in, and its fourth argument.
struct ThreadState {
  bool is_running = true;
  long system_call = -1;
  long fourth_argument = 0;
};
ThreadState state_of_thread(pid_t pid, pid_t thread);

}  // namespace leakhunt::runner
