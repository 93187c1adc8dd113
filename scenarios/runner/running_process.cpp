#include "scenarios/runner/running_process.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

#include <fmt/format.h>

#include "lib/recording/format.h"
#include "lib/recording/reader.h"
#include "scenarios/runner/elf_header.h"
#include "scenarios/runner/process_image.h"
#include "scenarios/runner/program.h"

namespace leakhunt::runner {

namespace fs = std::filesystem;

namespace {

using Reason = std::optional<std::string>;

std::string proc(pid_t pid, std::string_view name) {
  return fmt::format("/proc/{}/{}", pid, name);
}

std::string link_target(const std::string& path) {
  std::error_code problem;
  return fs::read_symlink(path, problem).string();
}

// The words behind "Name:" in /proc/PID/status.
std::string status_field(const std::string& status, std::string_view name) {
  std::istringstream lines(status);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ':')
      return line.substr(std::min(line.size(), name.size() + 2));
  }
  return {};
}

long status_number(const std::string& status, std::string_view name) {
  return std::strtol(status_field(status, name).c_str(), nullptr, 10);
}

std::string user_name(uid_t user) {
  const passwd* entry = getpwuid(user);
  return entry != nullptr ? entry->pw_name : fmt::format("number {}", user);
}

int yama_scope() {
  std::ifstream file("/proc/sys/kernel/yama/ptrace_scope");
  int scope = 0;
  return file >> scope ? scope : 0;
}

// The kernel shows the modules of a process only to those who may trace it.
Reason why_not_permitted(pid_t pid, uid_t user) {
  std::ifstream maps(proc(pid, "maps"));
  std::string line;
  if (std::getline(maps, line)) return std::nullopt;
  if (geteuid() != 0 && user != geteuid()) {
    return fmt::format("belongs to the user {}: only they, or root, may attach to it", user_name(user));
  }
  return "may not be traced by you: it has more privileges than you, or has forbidden it (prctl "
         "PR_SET_DUMPABLE); root may";
}

Reason why_not_by_yama(uid_t user) {
  const int scope = yama_scope();
  if (scope == 0 || (geteuid() == 0 && scope < 3)) return std::nullopt;
  if (scope >= 3) return "cannot be traced: this kernel allows it to nobody until it is started anew";
  return fmt::format(
      "may not be traced by you though it is {}: this kernel allows it to root only; run leakhunt with sudo, "
      "or "
      "allow it until the next start with: echo 0 | sudo tee /proc/sys/kernel/yama/ptrace_scope",
      user == geteuid() ? "yours" : "not root's");
}

Reason why_not_now(pid_t pid, const std::string& status) {
  const char state = status_field(status, "State").empty() ? '?' : status_field(status, "State")[0];
  if (state == 'Z' || state == 'X') return "has ended already; its parent has not asked for its status yet";
  if (status_field(status, "VmSize").empty()) return "is a thread of the kernel, not a program";
  const long tracer = status_number(status, "TracerPid");
  if (tracer != 0) return fmt::format("is traced already, by the process {} (a debugger, strace?)", tracer);
  if (state == 'T') return fmt::format("is stopped: let it go on first, with kill -CONT {}", pid);
  if (status_number(status, "Seccomp") != 0) {
    return "is under a filter of system calls (seccomp), which might kill it for one that the tracker makes";
  }
  return std::nullopt;
}

Reason why_not_from_here(pid_t pid) {
  if (link_target(proc(pid, "ns/mnt")) != link_target("/proc/self/ns/mnt")) {
    return "lives in another mount namespace (a container?), where neither the tracker nor the recording "
           "would be "
           "found: run leakhunt inside of it";
  }
  if (link_target(proc(pid, "root")) != link_target("/proc/self/root")) {
    return "has another root directory (chroot), where neither the tracker nor the recording would be found";
  }
  return std::nullopt;
}

bool is_library(const MappedFile& file) {
  return fs::path(file.path).filename().string().starts_with("libleakhunt.so");
}

bool is_recording(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, sizeof recording::kFileMagic> magic{};
  file.read(magic.data(), magic.size());
  return file.good() && std::memcmp(magic.data(), recording::kFileMagic, magic.size()) == 0;
}

// Of a leakhunt attach that was killed: nobody holds the lock any more.
bool is_abandoned(const std::string& path) {
  const auto run = recording::read_recording(path);
  if (!run || !run->attached) return false;
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool is_free = file >= 0 && flock(file, LOCK_SH | LOCK_NB) == 0;
  if (file >= 0) close(file);
  return is_free;
}

Reason why_not_with_us(pid_t pid, const fs::path& library) {
  for (const MappedFile& file : mapped_files(pid)) {
    if (file.permissions == "rw-s" && file.path.starts_with('/') && is_recording(file.path) &&
        !is_abandoned(file.path))
      return fmt::format("is recorded already, into {}", file.path);
    std::error_code problem;
    if (is_library(file) && !fs::equivalent(file.path, library, problem)) {
      return fmt::format(
          "has another libleakhunt.so in it already, {}: attach with the leakhunt that it belongs to",
          file.path);
    }
  }
  return std::nullopt;
}

Reason why_not_its_program(pid_t pid) {
  const auto elf = read_elf_header(proc(pid, "exe"));
  if (!elf) return "runs a program that cannot be read";
  return why_not_trackable(*elf);
}

}  // namespace

tl::expected<RunningProcess, std::string> inspect_process(pid_t pid, const fs::path& library) {
  const auto refuse = [&](std::string_view why) {
    return tl::unexpected(fmt::format("the process {} {}", pid, why));
  };
  if (pid == getpid()) return refuse("is leakhunt itself");
  std::ifstream file(proc(pid, "status"));
  std::string status{std::istreambuf_iterator<char>(file), {}};
  struct stat owner {};
  if (status.empty() || stat(proc(pid, "").c_str(), &owner) != 0) return refuse("does not exist");
  if (const long leader = status_number(status, "Tgid"); leader != pid)
    return refuse(fmt::format("is a thread of the process {}: attach to that", leader));
  RunningProcess process{pid, status_field(status, "Name"), owner.st_uid, owner.st_gid};
  if (const auto why = why_not_now(pid, status)) return refuse(*why);
  if (const auto why = why_not_permitted(pid, process.user)) return refuse(*why);
  if (const auto why = why_not_by_yama(process.user)) return refuse(*why);
  if (const auto why = why_not_from_here(pid)) return refuse(*why);
  if (const auto why = why_not_its_program(pid)) return refuse(*why);
  if (const auto why = why_not_with_us(pid, library)) return refuse(*why);
  const std::string program = fs::path(link_target(proc(pid, "exe"))).filename().string();
  if (!program.empty()) process.name = program.substr(0, program.find(" (deleted)"));
  return process;
}

bool has_library(pid_t pid, const fs::path& library) {
  const auto files = mapped_files(pid);
  return std::any_of(files.begin(), files.end(), [&](const MappedFile& file) {
    std::error_code problem;
    return is_library(file) && fs::equivalent(file.path, library, problem);
  });
}

bool maps_shared(pid_t pid, const fs::path& path) {
  const auto files = mapped_files(pid);
  return std::any_of(files.begin(), files.end(), [&](const MappedFile& file) {
    return file.permissions == "rw-s" && file.path == path.string();
  });
}

std::vector<pid_t> threads_of(pid_t pid) {
  std::vector<pid_t> threads;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(proc(pid, "task"), problem)) {
    const std::string name = entry.path().filename().string();
    pid_t thread = 0;
    std::from_chars(name.data(), name.data() + name.size(), thread);
    if (thread > 0) threads.push_back(thread);
  }
  return threads;
}

// "running", or "NUMBER 0xARGUMENT ... 0xSP 0xPC", or "-1 0xSP 0xPC".
ThreadState state_of_thread(pid_t pid, pid_t thread) {
  std::ifstream file(fmt::format("/proc/{}/task/{}/syscall", pid, thread));
  std::string first;
  ThreadState state;
  if (!(file >> first) || first == "running") return state;
  state.is_running = false;
  state.system_call = std::strtol(first.c_str(), nullptr, 10);
  std::string word;
  for (int i = 0; i < 4 && file >> word; ++i) {
    if (i == 3) state.fourth_argument = static_cast<long>(std::strtoul(word.c_str(), nullptr, 16));
  }
  return state;
}

}  // namespace leakhunt::runner
