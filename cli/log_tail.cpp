#include "cli/log_tail.h"

#include <cstdio>
#include <deque>
#include <fstream>

#include <fmt/format.h>

#include "cli/messages.h"
#include "reports/formats/escape.h"

namespace leakhunt::cli {

namespace {

constexpr size_t kLines = 10;
constexpr std::streamoff kBytes = 8192;  // of the file's end, that is
constexpr size_t kWidth = 160;

}  // namespace

std::string log_tail(const std::filesystem::path& log) {
  std::ifstream in(log, std::ios::binary);
  in.seekg(0, std::ios::end);
  const std::streamoff size = in.tellg();
  in.seekg(size > kBytes ? size - kBytes : 0);
  std::deque<std::string> lines;
  std::string line;
  if (size > kBytes) std::getline(in, line);  // a part of one
  while (std::getline(in, line)) {
    lines.push_back(reports::shorten_middle(reports::escape_line(line), kWidth));
    if (lines.size() > kLines) lines.pop_front();
  }
  std::string tail;
  for (const std::string& each : lines) tail += "  | " + each + "\n";
  return tail;
}

void print_log_tail(const std::filesystem::path& log) {
  const std::string tail = log_tail(log);
  if (tail.empty()) {
    say("the program failed without a word");
  } else {
    say(fmt::format("the program failed; its last words, from {}:", log.string()));
    fmt::print(stderr, "{}", tail);
  }
}

}  // namespace leakhunt::cli
