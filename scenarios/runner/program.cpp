#include "scenarios/runner/program.h"

#include <elf.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>

#include <fmt/format.h>

#include "scenarios/runner/elf_header.h"

namespace leakhunt::runner {

namespace fs = std::filesystem;

namespace {

#if defined(__x86_64__)
constexpr uint16_t kOurMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t kOurMachine = EM_AARCH64;
#else
#error "leakhunt runs on x86-64 and aarch64"
#endif

// A script's interpreter may be a script; the kernel follows them so far (BINPRM_MAX_RECURSION and one).
constexpr int kMostInterpreters = 5;

bool is_program(const fs::path& path) {
  std::error_code problem;
  return fs::is_regular_file(path, problem) && access(path.c_str(), X_OK) == 0;
}

std::vector<fs::path> directories_of_path() {
  std::vector<fs::path> directories;
  const char* variable = std::getenv("PATH");
  std::string_view rest = variable == nullptr ? "/usr/bin:/bin" : variable;
  while (true) {
    const size_t colon = rest.find(':');
    const std::string_view one = rest.substr(0, colon);
    directories.emplace_back(one.empty() ? "." : one);
    if (colon == std::string_view::npos) return directories;
    rest.remove_prefix(colon + 1);
  }
}

tl::expected<fs::path, std::string> find_path(const fs::path& path,
                                              const std::vector<fs::path>& directories) {
  std::vector<fs::path> candidates;
  for (const fs::path& directory : directories) candidates.push_back(directory / path);
  if (directories.empty()) candidates.push_back(path);
  for (const fs::path& candidate : candidates) {
    std::error_code problem;
    if (fs::exists(candidate, problem)) return fs::absolute(candidate).lexically_normal();
  }
  return tl::unexpected(fmt::format("the program {} is not there", path.string()));
}

// --- judging -----------------------------------------------------------------------------------------------

// Privileges that exec would add; the loader then ignores every preload. The kernel gives none to scripts.
bool gains_privileges(const fs::path& program) {
  struct stat status {};
  if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) return false;
  if (stat(program.c_str(), &status) != 0) return false;
  if ((status.st_mode & S_ISUID) != 0 && status.st_uid != geteuid()) return true;
  if ((status.st_mode & S_ISGID) != 0 && (status.st_mode & S_IXGRP) != 0 && status.st_gid != getegid())
    return true;
  return geteuid() != 0 && getxattr(program.c_str(), "security.capability", nullptr, 0) > 0;
}

std::optional<std::string> why_not_startable(const fs::path& program) {
  std::error_code problem;
  const fs::file_status status = fs::status(program, problem);
  if (!fs::exists(status)) return "is not there";
  if (fs::is_directory(status)) return "is a directory, not a program";
  if (access(program.c_str(), X_OK) != 0) return "may not be executed: chmod +x makes it a program";
  if (access(program.c_str(), R_OK) != 0) return "may not be read, so it cannot be told what it is";
  return std::nullopt;
}

// A program of glibc is started by ld-linux-x86-64.so.2, wherever that lies; others by ld-musl-x86_64.so.1,
// linker64 and the like.
std::optional<std::string> why_not_loadable(const std::string& loader) {
  std::error_code problem;
  if (loader.find("ld-musl") != std::string::npos)
    return "is linked with musl; the tracker needs glibc: link it with glibc";
  if (!fs::path(loader).filename().string().starts_with("ld-linux"))
    return fmt::format("is linked with another C library (its loader is {}); the tracker needs glibc",
                       loader);
  if (!fs::exists(loader, problem)) return fmt::format("needs the loader {}, which is not there", loader);
  return std::nullopt;
}

// "/usr/bin/env" of "#!/usr/bin/env python3"; absent when it is no script.
std::optional<std::string> interpreter_of_script(const fs::path& program) {
  std::ifstream stream(program, std::ios::binary);
  std::string line;
  if (!std::getline(stream, line) || !line.starts_with("#!")) return std::nullopt;
  const size_t begin = line.find_first_not_of(" \t", 2);
  if (begin == std::string::npos) return "";
  return line.substr(begin, line.find_first_of(" \t\r", begin) - begin);
}

}  // namespace

tl::expected<fs::path, std::string> find_program(std::string_view name,
                                                 const std::vector<fs::path>& directories) {
  if (name.find('/') != std::string_view::npos) {
    // A path is seen from the last of them, the scenario's own directory.
    return find_path(fs::path(name), directories.empty() ? directories : std::vector{directories.back()});
  }
  std::vector<fs::path> candidates = directories_of_path();
  if (!directories.empty()) {
    candidates.insert(candidates.begin(), directories.front());
    candidates.insert(candidates.end(), directories.begin() + 1, directories.end());
  }
  for (const fs::path& directory : candidates) {
    if (is_program(directory / name)) return fs::absolute(directory / name).lexically_normal();
  }
  std::string places;
  for (const fs::path& directory : directories) places += fmt::format("in {}, ", directory.string());
  return tl::unexpected(
      fmt::format("the program {} was not found {}{}on PATH", name, places, places.empty() ? "" : "or "));
}

std::optional<std::string> why_not_trackable(const ElfHeader& elf) {
  if (!elf.is_64_bit) return "is a 32-bit program; the tracker is built for 64 bits: rebuild it with -m64";
  if (elf.machine != kOurMachine) return "is built for another kind of machine";
  if (elf.type != ET_EXEC && elf.type != ET_DYN) return "is ELF but no program";
  if (elf.interpreter.empty()) {
    return "is statically linked, so the tracker cannot be loaded into it: link it dynamically (without "
           "-static)";
  }
  return why_not_loadable(elf.interpreter);
}

tl::expected<ProgramKind, std::string> inspect_program(const fs::path& program) {
  const auto refuse = [&](std::string_view why) {
    return tl::unexpected(fmt::format("{} {}", program.string(), why));
  };
  if (const auto why = why_not_startable(program)) return refuse(*why);
  ProgramKind kind;
  fs::path judged = program;
  std::string subject;  // of the sentence
  for (int depth = 0; depth < kMostInterpreters; ++depth) {
    const auto interpreter = interpreter_of_script(judged);
    if (!interpreter) break;
    kind.is_script = true;
    judged = *interpreter;
    subject = fmt::format("is a script, and its interpreter {} ", judged.string());
    if (const auto why = why_not_startable(judged)) {
      return refuse(fmt::format("is a script, and its interpreter \"{}\" {}", judged.string(), *why));
    }
  }
  const std::optional<ElfHeader> elf = read_elf_header(judged);
  if (!elf) {
    return refuse(subject + (kind.is_script ? "is no ELF program"
                                            : "is neither an ELF program nor a script that begins with #!"));
  }
  if (const auto why = why_not_trackable(*elf)) return refuse(subject + *why);
  if (gains_privileges(judged)) {
    return refuse(
        subject +
        "gains privileges when it starts (setuid, setgid or capabilities), so the loader ignores the "
        "tracker: run it as its owner, or a copy without these rights");
  }
  kind.needs_tracker = std::any_of(elf->needed.begin(), elf->needed.end(), [](const std::string& name) {
    return name == "libleakhunt.so" || name.ends_with("/libleakhunt.so");
  });
  return kind;
}

}  // namespace leakhunt::runner
