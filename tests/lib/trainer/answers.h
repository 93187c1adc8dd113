// answers: a command as a person types it, and what came of it.
#pragma once

#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
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
inline std::string without_speeds(std::string out) {
  for (std::size_t at; (at = out.find(" it/s")) != std::string::npos;) {
    const std::size_t start = out.rfind(' ', at - 1);
    out.erase(start, at + 5 - start);
  }
  return out;
}

}  // namespace leakhunt::trainer
