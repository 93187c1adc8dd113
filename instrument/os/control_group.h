// ControlGroup: what the memory limit of a control group leaves to a process (a container's --memory,
// systemd's MemoryMax= and MemoryHigh=). It holds back physical memory, and says so to nobody: who asks for
// more is ended. Both versions of control groups, the process's own group and all those it lies in, as far as
// they can be seen from inside. The runner asks as well: nothing of the other files here is needed.
//
// Source: cgroups(7); the kernel's Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst; for
// mountinfo proc_pid_mountinfo(5).
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace leakhunt::tracker {

// Bytes.
struct GroupRoom {
  static constexpr uint64_t kNone = UINT64_MAX;
  uint64_t limit = kNone;  // of the group that leaves least; kNone: none of them has a limit
  uint64_t left = kNone;   // of it, what is not in use but for files in memory that nobody maps
  uint32_t processes = 1;  // in the process's own group

  bool is_limited() const { return limit != kNone; }
};

// Some system calls a group, and no descriptor is left open: for rare moments. Thread-safety: none. Where the
// process is is looked up each time, where that can be read is kept.
class ControlGroup {
 public:
  // `root` stands in front of every path: "", or for tests a directory with proc and sys in it.
  GroupRoom look(const char* root);

  // As the processes of a group come and go: for the share of each.
  static constexpr uint32_t kMostProcesses = 1 << 16;

 private:
  static constexpr size_t kLongestPath = 1024;
  static constexpr size_t kBuffer = 4096;

  struct Level {
    uint64_t limit;
    uint64_t left;
  };

  bool find_directory(const char* root);
  bool find_own_path(const char* root);
  bool take_mount(char* line);
  Level look_at_level(size_t length);
  uint64_t read_number(size_t length, const char* name);
  uint64_t reclaimable(size_t length);
  uint32_t count_processes(size_t length);
  const char* path_of(size_t length, const char* name);

  char path_[kLongestPath];       // of the group, as /proc/self/cgroup says
  char directory_[kLongestPath];  // where its files are; its first bytes are those of the groups above
  size_t top_ = 0;                // of directory_: the topmost group that can be seen
  bool known_ = false;            // directory_ is of path_
  bool unified_ = false;          // version 2
  char name_[kLongestPath + 64];
  char buffer_[kBuffer];
};

}  // namespace leakhunt::tracker
