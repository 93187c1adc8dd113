// perf_map: names for code that a program made at run time, from the file that many a just-in-time compiler
// writes for `perf` when it is asked to: /tmp/perf-PID.map, a line for each function: begin, size
// (hexadecimal), name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace leakhunt::runner {

class PerfMap {
 public:
  // Empty when there is none, when it is older than the process, or when it belongs to someone else: then it
  // is not this process's.
  static PerfMap of_process(uint64_t pid, uint64_t started_unix_ns,
                            const std::filesystem::path& directory = "/tmp");

  // The function around the address; empty when it is in none.
  std::string_view find(uint64_t address) const;

 private:
  struct Function {
    uint64_t end = 0;
    std::string name;
  };
  std::map<uint64_t, Function> functions_;  // by begin; of two at one place the later line
};

}  // namespace leakhunt::runner
