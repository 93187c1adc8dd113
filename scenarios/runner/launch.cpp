#include "scenarios/runner/launch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

namespace leakhunt::runner {

namespace {

constexpr std::string_view kPidVariable = "LEAKHUNT_PID=";

// What the child needs, made before the fork: it only calls the kernel.
class ChildWords {
 public:
  explicit ChildWords(const LaunchRequest& request) : arguments_(request.command) {
    take_over_environment(request);
    for (const auto& [name, value] : request.environment) add(name, value);
    add("LEAKHUNT_RECORDING", request.recording.string());
    if (!request.processes.empty()) add("LEAKHUNT_PROCESSES", request.processes.string());
    if (request.interval) add("LEAKHUNT_INTERVAL_MS", std::to_string(request.interval->count()));
    if (request.defect && !request.defect->empty()) add("LEAKHUNT_DEFECT", *request.defect);
    variables_.push_back(std::string(kPidVariable) + std::string(20, '\0'));
    for (std::string& word : arguments_) argument_pointers_.push_back(word.data());
    for (std::string& word : variables_) variable_pointers_.push_back(word.data());
    argument_pointers_.push_back(nullptr);
    variable_pointers_.push_back(nullptr);
  }

  // In the child: its own number, in decimal.
  void set_pid(pid_t pid) {
    std::array<char, 20> digits{};
    size_t count = 0;
    for (auto rest = static_cast<unsigned>(pid); rest > 0; rest /= 10) {
      digits[count++] = static_cast<char>('0' + rest % 10);
    }
    char* out = variables_.back().data() + kPidVariable.size();
    while (count > 0) *out++ = digits[--count];
    *out = '\0';
  }

  char* const* arguments() { return argument_pointers_.data(); }
  char* const* variables() { return variable_pointers_.data(); }

 private:
  void add(std::string_view name, std::string_view value) {
    variables_.push_back(fmt::format("{}={}", name, value));
  }

  // Ours, but for LD_PRELOAD and what speaks of an outer recording.
  void take_over_environment(const LaunchRequest& request) {
    std::string preload;
    size_t preload_at = std::string::npos;  // where it was: the program may see the order
    for (char** variable = environ; *variable != nullptr; ++variable) {
      const std::string_view text(*variable);
      const std::string_view name = text.substr(0, text.find('='));
      if (name.starts_with("LEAKHUNT_ITERATION_") || name == "LEAKHUNT_LOADER_ENTRY") continue;
      if (name == "LEAKHUNT_RECORDING" || name == "LEAKHUNT_PID" || name == "LEAKHUNT_PROCESSES") continue;
      if (name == "LEAKHUNT_INTERVAL_MS" && request.interval) continue;
      if (name == "LEAKHUNT_DEFECT" && request.defect) continue;
      if (request.environment.contains(std::string(name))) continue;
      if (name == "LD_PRELOAD") {
        preload_at = variables_.size();
        preload = text.substr(std::min(text.size(), name.size() + 1));
      } else {
        variables_.emplace_back(text);
      }
    }
    if (!request.tracker.empty()) {
      preload = request.tracker.string() + (preload.empty() ? "" : ":") + preload;
    }
    if (preload.empty()) return;
    variables_.insert(variables_.begin() + static_cast<ptrdiff_t>(std::min(preload_at, variables_.size())),
                      "LD_PRELOAD=" + preload);
  }

  std::vector<std::string> arguments_;
  std::vector<std::string> variables_;
  std::vector<char*> argument_pointers_;
  std::vector<char*> variable_pointers_;
};

// A pipe whose ends close on exec: the parent reads the child's errno, or nothing once the program runs.
class ExecReport {
 public:
  ExecReport() : is_open_(pipe2(ends_, O_CLOEXEC) == 0) {}
  ~ExecReport() {
    close_end(0);
    close_end(1);
  }
  ExecReport(const ExecReport&) = delete;
  ExecReport& operator=(const ExecReport&) = delete;

  bool is_open() const { return is_open_; }
  void send(int error) {
    const ssize_t ignored = write(ends_[1], &error, sizeof error);
    static_cast<void>(ignored);
  }
  int receive() {
    close_end(1);
    int error = 0;
    ssize_t bytes = 0;
    do {
      bytes = read(ends_[0], &error, sizeof error);
    } while (bytes < 0 && errno == EINTR);
    return bytes == sizeof error ? error : 0;
  }

 private:
  void close_end(int which) {
    if (is_open_ && ends_[which] >= 0) close(ends_[which]);
    ends_[which] = -1;
  }

  int ends_[2] = {-1, -1};
  bool is_open_;
};

bool redirect(const std::string& log) {
  const int nothing = open("/dev/null", O_RDONLY);
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);
  return nothing >= 0 && out >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
         dup2(out, STDERR_FILENO) >= 0 && close(nothing) == 0 && close(out) == 0;
}

bool take_streams(const LaunchRequest& request) {
  return (request.standard_output < 0 || dup2(request.standard_output, STDOUT_FILENO) >= 0) &&
         (request.standard_error < 0 || dup2(request.standard_error, STDERR_FILENO) >= 0);
}

// The signals as a program finds them that was started from a shell; the runner blocks some of them.
void restore_signals() {
  sigset_t none;
  sigemptyset(&none);
  signal(SIGPIPE, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void become_target(const LaunchRequest& request, ChildWords& words, ExecReport& report,
                                pid_t parent, const std::string& log) {
  restore_signals();
  if (request.ends_with_us) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(127);  // it died before we asked
  }
  words.set_pid(getpid());
  if (log.empty() ? take_streams(request) : redirect(log))
    execve(request.program.c_str(), words.arguments(), words.variables());
  report.send(errno);
  _exit(127);
}

uint64_t own_peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace

tl::expected<Target, std::string> launch(const LaunchRequest& request) {
  const auto fail = [&](int error) {
    return tl::unexpected(
        fmt::format("{} cannot be started: {}", request.program.string(), std::strerror(error)));
  };
  ChildWords words(request);
  ExecReport report;
  if (!report.is_open()) return fail(errno);
  const std::string log = request.log.string();
  const pid_t parent = getpid();
  Target target;
  target.inherited_peak_bytes = own_peak_bytes();
  target.started = std::chrono::steady_clock::now();
  target.pid = fork();
  if (target.pid < 0) return fail(errno);
  if (target.pid == 0) become_target(request, words, report, parent, log);
  const int error = report.receive();
  if (error == 0) return target;
  waitpid(target.pid, nullptr, 0);
  return fail(error);
}

}  // namespace leakhunt::runner
