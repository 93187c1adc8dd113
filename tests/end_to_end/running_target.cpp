#include "tests/end_to_end/running_target.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/end_to_end/command.h"

namespace leakhunt::end_to_end {

RunningTarget::RunningTarget(const std::vector<std::string>& command) {
  int to_target[2] = {-1, -1};
  int from_target[2] = {-1, -1};
  if (pipe2(to_target, O_CLOEXEC) != 0 || pipe2(from_target, O_CLOEXEC) != 0) ADD_FAILURE() << "no pipes";
  pid_ = fork();
  if (pid_ == 0) {
    dup2(to_target[0], STDIN_FILENO);
    dup2(from_target[1], STDOUT_FILENO);
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    execvp(words[0], words.data());
    _exit(127);
  }
  close(to_target[0]);
  close(from_target[1]);
  in_ = to_target[1];
  out_ = from_target[0];
  char byte = 0;
  std::string line;
  while (read(out_, &byte, 1) == 1 && byte != '\n') line += byte;
  EXPECT_EQ(line, "ready") << command.front();
}

RunningTarget::~RunningTarget() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(in_);
  close(out_);
}

bool RunningTarget::is_running() const {
  siginfo_t ended{};
  return pid_ > 0 && waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         ended.si_pid == 0;
}

void RunningTarget::wait_until_it_waits() const {
  const std::string state = "/proc/" + std::to_string(pid_) + "/syscall";
  for (std::string now; now.empty() || now.starts_with("running") || now.starts_with("1 ");
       now = read_file(state)) {
    usleep(1000);
  }
}

void RunningTarget::tell() {
  EXPECT_EQ(write(in_, "\n", 1), 1);
}

int RunningTarget::end() {
  char bytes[256];
  for (ssize_t count = 0; (count = read(out_, bytes, sizeof bytes)) > 0;)
    output_.append(bytes, static_cast<size_t>(count));
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string RunningTarget::surroundings() const {
  const std::string folder = "/proc/" + std::to_string(pid_);
  std::set<std::string> lines;
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator(folder + "/fd", problem)) {
    lines.insert(entry.path().filename().string() + " -> " +
                 std::filesystem::read_symlink(entry.path(), problem).string());
  }
  lines.insert("directory " + std::filesystem::read_symlink(folder + "/cwd", problem).string());
  lines.insert("environment " + read_file(folder + "/environ"));
  std::istringstream status(read_file(folder + "/status"));
  for (std::string line; std::getline(status, line);) {
    for (const char* name :
         {"SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd", "TracerPid", "Threads", "Umask"}) {
      if (line.starts_with(name)) lines.insert(line);
    }
  }
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::string attach_command(pid_t pid, const std::string& options, const std::string& folder) {
  return LEAKHUNT_BIN "/leakhunt attach " + std::to_string(pid) + " " + options + " --out " + folder;
}

bool may_trace(std::string* why_not) {
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  const bool may = ptrace(PTRACE_SEIZE, child, nullptr, nullptr) == 0;
  *why_not = may ? "" : std::string("this machine does not let us trace: ") + std::strerror(errno);
  kill(child, SIGKILL);
  waitpid(child, nullptr, __WALL);
  return may;
}

}  // namespace leakhunt::end_to_end
