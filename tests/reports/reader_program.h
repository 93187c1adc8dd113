// reader_program: what a format's real reader makes of it. A program that is not installed skips the test,
// with its name.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#define SKIP_WITHOUT(program) \
  if (std::system("command -v " program " > /dev/null") != 0) GTEST_SKIP() << program " is not installed"

namespace leakhunt::reports {

struct Read {
  int status = 0;  // as of wait()
  std::string out;
};

// Runs `program` with "FILE" replaced by a file of that name and content; stdout and stderr together.
inline Read read_with(std::string program, const std::string& name, const std::string& content) {
  const std::filesystem::path folder = testing::TempDir() + "leakhunt_formats_" + std::to_string(getpid());
  std::filesystem::create_directories(folder);
  const std::string file = (folder / name).string();
  std::ofstream(file, std::ios::binary) << content;
  for (size_t at = 0; (at = program.find("FILE", at)) != std::string::npos; at += file.size())
    program.replace(at, 4, file);
  Read read;
  FILE* pipe = popen(("( " + program + " ) 2>&1 < /dev/null").c_str(), "r");
  char buffer[4096];
  for (size_t n = 0; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) read.out.append(buffer, n);
  read.status = pclose(pipe);
  std::filesystem::remove_all(folder);
  return read;
}

// The number right behind `words` in `text`; -1 when it is not there.
inline int64_t number_after(const std::string& text, const std::string& words) {
  const size_t at = text.find(words);
  return at == std::string::npos ? -1 : std::strtoll(text.c_str() + at + words.size(), nullptr, 10);
}

}  // namespace leakhunt::reports
