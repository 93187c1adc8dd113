// CommandLine: the built leakhunt, called as from a shell, in a directory of the test's own.
#pragma once

#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "tests/scenarios/runner/scratch_directory.h"

namespace leakhunt::cli {

struct Called {
  int status = -1;  // as a shell says it: 128 + the signal that ended it
  std::string out;
  std::string err;
};

class CommandLine {
 public:
  // `words` as typed behind "leakhunt"; `before` in front of it: "ulimit -t 5; ", "NO_COLOR=1 ".
  Called call(const std::string& words, const std::string& before = "") const {
    return shell(before + LEAKHUNT_BIN "/leakhunt " + words);
  }

  Called shell(const std::string& line) const {
    const std::string directory = path().string();
    const std::string whole = "cd " + directory + "\n{ " + line + "\n} </dev/null >stdout 2>stderr";
    const int status = std::system(whole.c_str());
    Called called;
    called.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    called.out = runner::content_of(path() / "stdout");
    called.err = runner::content_of(path() / "stderr");
    return called;
  }

  std::string file(const std::string& name) const { return runner::content_of(path() / name); }
  bool has(const std::string& name) const { return std::filesystem::exists(path() / name); }
  const std::filesystem::path& path() const { return scratch_.path(); }
  const runner::ScratchDirectory& scratch() const { return scratch_; }

 private:
  runner::ScratchDirectory scratch_;
};

// A report breaks its lines by width, so where it breaks depends on the length of paths: here on one line.
inline std::string unwrapped(std::string text) {
  for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1)) {
    const size_t word = std::min(text.find_first_not_of(' ', at + 1), text.size());
    text.replace(at, word - at, " ");
  }
  return text;
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace leakhunt::cli
