// answers: a command as a person types it, and what came of it.
#pragma once

#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <regex>
#include <string>

namespace leakhunt::trainer {

struct Answer {
  int status;       // of the shell: 128 + the signal when one ended the program
  std::string out;  // stdout and stderr
};

inline Answer run(const std::string& command) {
  std::FILE* pipe = popen(("(" + command + ") 2>&1").c_str(), "r");
  std::string out;
  char buffer[4096];
  while (const std::size_t read = std::fread(buffer, 1, sizeof buffer, pipe)) out.append(buffer, read);
  const int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, out};
}

inline std::ptrdiff_t lines(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
}

// The output without what no two runs have in common.
inline std::string without_speeds(const std::string& out) {
  return std::regex_replace(out, std::regex("( peak RSS [0-9.]+ MB;)? [0-9.]+ it/s|, [0-9.]+ GFLOP/s"), "");
}

}  // namespace leakhunt::trainer
