#include "scenarios/runner/second_opinion.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "scenarios/runner/process_memory.h"
#include "scenarios/runner/program.h"

namespace leakhunt::runner {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kPatience = 2s;  // between SIGTERM and SIGKILL

struct Tool {
  std::string_view program;
  std::string file;  // in the order's directory
  std::vector<std::string> words;
};

// What is live at exit is compared: Valgrind must not tidy up behind libc and libstdc++ first. A peak is a
// peak to the byte, and each of massif's snapshots has its call sites. Of what was inlined massif would tell
// the innermost function's bare name alone: then rather the function that all of it is in.
Tool tool_of(const PeerOrder& order) {
  const auto path = [&](const char* name) { return (order.directory / name).string(); };
  const std::vector<std::string> keep = {"--run-libc-freeres=no", "--run-cxx-freeres=no",
                                         "--read-inline-info=no"};
  Tool tool;
  switch (order.peer) {
    case Peer::kHeaptrack:
      return {"heaptrack", path("heaptrack.zst"), {"-o", path("heaptrack")}};
    case Peer::kMassif:
      tool = {"valgrind",
              path("massif.out"),
              {"--tool=massif", "--peak-inaccuracy=0.0", "--detailed-freq=1", "--threshold=0.0",
               "--massif-out-file=" + path("massif.out")}};
      break;
    case Peer::kMemcheck:
      tool = {"valgrind",
              path("memcheck.log"),
              {"--leak-check=full", "--show-leak-kinds=all", "--num-callers=50",
               "--log-file=" + path("memcheck.log")}};
      break;
  }
  tool.words.insert(tool.words.end(), keep.begin(), keep.end());
  return tool;
}

// Our environment with the order's on top, as NAME=value.
std::vector<std::string> environment_of(const PeerOrder& order) {
  std::vector<std::string> result;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view entry = *each;
    if (!order.environment.contains(std::string(entry.substr(0, entry.find('=')))))
      result.emplace_back(entry);
  }
  for (const auto& [name, value] : order.environment) result.push_back(fmt::format("{}={}", name, value));
  return result;
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (std::string& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

// In a process group of its own, so that all it starts can be stopped; output into the log; no signal
// blocked.
tl::expected<pid_t, std::string> start(const PeerOrder& order, const Tool& tool, const fs::path& program) {
  std::vector<std::string> words = {std::string(tool.program)};
  words.insert(words.end(), tool.words.begin(), tool.words.end());
  words.push_back(order.program.string());
  words.insert(words.end(), order.arguments.begin(), order.arguments.end());
  std::vector<std::string> environment = environment_of(order);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::string log = (order.directory / fmt::format("{}.output", to_string(order.peer))).string();
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &pipe);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  const int problem = posix_spawn(&pid, program.c_str(), &actions, &attributes, pointers_to(words).data(),
                                  pointers_to(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) return tl::unexpected(fmt::format("it could not be started: {}", std::strerror(problem)));
  return pid;
}

std::optional<int> ended(pid_t pid) {
  int status = 0;
  return waitpid(pid, &status, WNOHANG) == pid ? std::optional(status) : std::nullopt;
}

// Asks first, then insists; the leader is reaped, its group gone.
void stop(pid_t pid, SignalWatch& signals) {
  kill(-pid, SIGTERM);
  const auto until = Clock::now() + kPatience;
  std::optional<int> status = ended(pid);
  while (!status && Clock::now() < until) {
    signals.wait(20ms);
    status = ended(pid);
  }
  kill(-pid, SIGKILL);
  if (!status) waitpid(pid, nullptr, 0);
}

std::string failure(int status, const fs::path& file) {
  std::error_code ignored;
  const bool wrote = fs::file_size(file, ignored) > 0 && !ignored;
  if (WIFSIGNALED(status)) return fmt::format("it was ended by signal {}", WTERMSIG(status));
  // Valgrind and heaptrack pass the program's own status on.
  return wrote ? "" : fmt::format("it wrote no file (status {})", WEXITSTATUS(status));
}

}  // namespace

std::string_view to_string(Peer peer) {
  switch (peer) {
    case Peer::kHeaptrack:
      return "heaptrack";
    case Peer::kMassif:
      return "massif";
    case Peer::kMemcheck:
      return "memcheck";
  }
  return "heaptrack";
}

PeerRun ask(const PeerOrder& order, SignalWatch& signals) {
  PeerRun run;
  const Tool tool = tool_of(order);
  const auto program = find_program(tool.program, {});
  if (!program) {
    run.why_not = fmt::format("{} is not installed", tool.program);
    return run;
  }
  std::error_code ignored;
  fs::remove(tool.file, ignored);
  const auto begin = Clock::now();
  const auto pid = start(order, tool, *program);
  if (!pid) {
    run.why_not = pid.error();
    return run;
  }
  Progress progress(STDERR_FILENO, order.progress);
  Moment moment;
  moment.name = order.name;
  std::optional<int> status = ended(*pid);
  while (!status && run.why_not.empty()) {
    const auto caught = signals.wait(progress.interval());
    if (caught) run.interrupted_by = caught->number;
    moment.elapsed = Clock::now() - begin;
    moment.rss_bytes = resident_bytes(*pid).value_or(0);
    if (moment.elapsed > order.timeout)
      run.why_not = fmt::format("it was stopped after {} s (--timeout)",
                                std::chrono::duration_cast<std::chrono::seconds>(order.timeout).count());
    if (run.interrupted_by != 0) run.why_not = "it was interrupted";
    progress.show(moment);
    status = ended(*pid);
  }
  if (!status) stop(*pid, signals);
  run.wall = moment.elapsed = Clock::now() - begin;
  progress.finish(moment);
  if (status) run.why_not = failure(*status, tool.file);
  run.file = tool.file;
  return run;
}

}  // namespace leakhunt::runner
