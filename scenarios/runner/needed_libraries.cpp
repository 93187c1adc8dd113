#include "scenarios/runner/needed_libraries.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "scenarios/runner/elf_header.h"
#include "scenarios/runner/program.h"

namespace leakhunt::runner {

namespace fs = std::filesystem;

namespace {

constexpr std::array<const char*, 5> kUsualFolders = {"/usr/local/lib", "/lib/x86_64-linux-gnu",
                                                      "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib"};

std::string read_all(int file) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t bytes = read(file, buffer.data(), buffer.size());
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0) return text;
    text.append(buffer.data(), static_cast<size_t>(bytes));
  }
}

// What a command prints; empty when it cannot be started.
std::string output_of(std::vector<std::string> words) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int error = posix_spawn(&child, words.front().c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string text;
  if (error == 0) {
    text = read_all(ends[0]);
    while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  close(ends[0]);
  return text;
}

// The program that runs a script: as its first line names it, or as env finds it.
fs::path executable_of(const fs::path& program) {
  std::ifstream stream(program, std::ios::binary);
  std::string line;
  if (!std::getline(stream, line) || !line.starts_with("#!")) return program;
  std::istringstream words(line.substr(2));
  std::string interpreter;
  std::string argument;
  words >> interpreter >> argument;
  if (fs::path(interpreter).filename() == "env" && !argument.empty() && argument[0] != '-') {
    if (const auto found = find_program(argument, {})) return *found;
  }
  return interpreter;
}

}  // namespace

ProgramFiles files_of(const fs::path& program) {
  ProgramFiles files;
  files.executable = executable_of(program);
  const auto header = read_elf_header(files.executable);
  if (!header || header->interpreter.empty()) return files;
  files.loader = header->interpreter;
  // "	libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f...)"
  std::istringstream lines(output_of({files.loader.string(), "--list", files.executable.string()}));
  for (std::string line; std::getline(lines, line);) {
    const size_t path = line.find('/');
    const size_t end = line.rfind(" (0x");
    if (path == std::string::npos || end == std::string::npos || end < path) continue;
    const fs::path library = line.substr(path, end - path);
    std::error_code problem;
    if (!fs::equivalent(library, files.loader, problem)) files.libraries.push_back(library);
  }
  return files;
}

fs::path find_library(std::string_view name, const ProgramFiles& files) {
  std::error_code problem;
  if (name.find('/') != std::string_view::npos) {
    return fs::is_regular_file(name, problem) ? fs::absolute(name) : fs::path();
  }
  for (const fs::path& library : files.libraries) {
    if (library.filename() == name) return library;
  }
  std::vector<fs::path> folders;
  for (const fs::path& library : files.libraries) folders.push_back(library.parent_path());
  folders.insert(folders.end(), kUsualFolders.begin(), kUsualFolders.end());
  for (const fs::path& folder : folders) {
    if (fs::is_regular_file(folder / name, problem)) return folder / name;
  }
  return {};
}

}  // namespace leakhunt::runner
