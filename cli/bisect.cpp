// leakhunt bisect GOOD BAD -- BUILD-AND-SCENARIO: finds the commit with which a scenario began to fail.
// Drives `git bisect run`, and leaves the repository as it was.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/messages.h"

namespace leakhunt::cli {

namespace {

using Words = std::vector<std::string>;

constexpr int kInconclusive = 4;
constexpr int kNotStarted = 127;

// What our statuses mean to `git bisect run`. Everything else (a shell without the command, a signal) ends
// it.
constexpr const char* kStep =
    "\"$@\"; status=$?\n"
    "case $status in\n"
    "  0 | 1) exit $status ;;\n"        // good, bad
    "  2 | 3 | 4 | 125) exit 125 ;;\n"  // cannot be told of this commit
    "  *) exit 255 ;;\n"
    "esac";

// What is run is a process group of its own: a signal that reaches us is passed on to all of it, and when it
// has ended we are left to tidy up.
volatile sig_atomic_t interrupted = 0;
volatile pid_t passed_on_to = 0;
void pass_on(int number) {
  interrupted = number;
  if (passed_on_to > 0) kill(-passed_on_to, number);
}

struct Ran {
  int status = kNotStarted;  // as a shell says it
  std::string out;
};

int status_of(int raw) {
  return WIFEXITED(raw) ? WEXITSTATUS(raw) : kSignalled + WTERMSIG(raw);
}

Ran run(const Words& words, bool take_output) {
  std::array<int, 2> pipe_ends = {-1, -1};
  if (take_output && pipe2(pipe_ends.data(), O_CLOEXEC) != 0) return {};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (take_output) {
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  }
  posix_spawnattr_t attributes;  // what we handle is theirs as it always is
  posix_spawnattr_init(&attributes);
  sigset_t restored;
  sigemptyset(&restored);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&restored, number);
  posix_spawnattr_setsigdefault(&attributes, &restored);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  Ran ran;
  pid_t child = -1;
  const int problem =
      posix_spawnp(&child, arguments.front(), &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (take_output) close(pipe_ends[1]);
  if (problem == 0) {
    std::array<char, 4096> bytes{};
    for (ssize_t got = 0; take_output && ((got = read(pipe_ends[0], bytes.data(), bytes.size())) > 0 ||
                                          (got < 0 && errno == EINTR));)
      if (got > 0) ran.out.append(bytes.data(), static_cast<size_t>(got));
    int raw = 0;
    if (!take_output) passed_on_to = child;
    if (!take_output && interrupted != 0) kill(-child, interrupted);  // just before
    while (waitpid(child, &raw, 0) < 0 && errno == EINTR) {
    }
    passed_on_to = 0;
    ran.status = status_of(raw);
  }
  if (take_output) close(pipe_ends[0]);
  while (!ran.out.empty() && ran.out.back() == '\n') ran.out.pop_back();
  return ran;
}

Ran git(Words words) {
  words.insert(words.begin(), "git");
  return run(words, true);
}

// Empty: all is ready.
std::string obstacle(const std::string& good, const std::string& bad) {
  const Ran inside = git({"rev-parse", "--is-inside-work-tree"});
  if (inside.status == kNotStarted) return "git is not installed; install it";
  if (inside.out != "true") return "this is no git repository; go to the one that is to be searched";
  for (const std::string& commit : {good, bad}) {
    if (git({"rev-parse", "--verify", "--quiet", "--end-of-options", commit + "^{commit}"}).status != 0)
      return fmt::format("{}: there is no such commit; see git log", commit);
  }
  if (git({"merge-base", "--is-ancestor", good, bad}).status != 0)
    return fmt::format("{} is no ancestor of {}; the good commit comes first", good, bad);
  if (git({"bisect", "log"}).status == 0)
    return "a bisection is under way here; end it with git bisect reset";
  if (!git({"status", "--porcelain", "--untracked-files=no"}).out.empty())
    return "there are changes that are not committed, which checking out other commits could lose; commit or "
           "stash "
           "them";
  return {};
}

// "1a2b3c4d subject" of the first bad commit; empty: it cannot be told. To be asked before the reset.
std::string first_bad_commit() {
  if (git({"bisect", "log"}).out.find("# first bad commit:") == std::string::npos) return {};
  return git({"log", "-1", "--format=%h %s", "refs/bisect/bad"}).out;
}

int bisect(const std::string& good, const std::string& bad, const Words& command) {
  if (const std::string problem = obstacle(good, bad); !problem.empty()) return refuse(problem);
  struct sigaction action {};
  action.sa_handler = pass_on;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);
  int status = kWrongCall;
  std::string found;
  if (git({"bisect", "start", bad, good, "--"}).status == 0 && interrupted == 0) {
    Words step = {"git", "bisect", "run", "sh", "-c"};
    if (command.size() == 1) {  // one word is a line for the shell
      step.insert(step.end(), {kStep, "step", "sh", "-c", command.front()});
    } else {
      step.insert(step.end(), {kStep, "step"});
      step.insert(step.end(), command.begin(), command.end());
    }
    status = run(step, false).status;
    found = first_bad_commit();
  }
  const bool tidy = git({"bisect", "reset"}).status == 0;
  if (!tidy) say("the repository is not as it was; end the bisection with git bisect reset");
  if (interrupted != 0) return kSignalled + interrupted;
  if (!found.empty()) {
    std::cout << fmt::format("\nthe first commit that fails: {}\n", found) << std::flush;
    return tidy ? 0 : kWrongCall;
  }
  if (status == 2) {
    say("it cannot be told: the commits that are left were all skipped (status 2, 3, 4 or 125)");
    return kInconclusive;
  }
  return refuse("the bisection stopped; what git said is above");
}

// CLI11 does not see what stands behind "--".
class BisectFormatter : public CLI::Formatter {
  std::string make_usage(const CLI::App*, std::string) const override {
    return "Usage: leakhunt bisect GOOD BAD -- BUILD-AND-SCENARIO\n";
  }
};

}  // namespace

void declare_bisect(CLI::App& app, const Surroundings& surroundings, int& status) {
  CLI::App* command =
      app.add_subcommand("bisect", "Find the commit with which a scenario began to fail (git bisect)");
  struct Options {
    std::string good;
    std::string bad;
  };
  auto options = std::make_shared<Options>();
  command->formatter(std::make_shared<BisectFormatter>());
  command->add_option("good", options->good, "A commit whose scenario passes")->required();
  command->add_option("bad", options->bad, "A later one whose scenario fails")->required();
  command->footer(
      "Behind -- stands what builds and judges a commit: a program with its arguments, or one word for the "
      "shell,\n"
      "  leakhunt bisect v1.0 main -- 'make || exit 125; leakhunt run --baseline x.baseline -- ./program'\n"
      "Its status: 0 good, 1 bad, 2, 3, 4 and 125 cannot be told (the commit is skipped), anything else ends "
      "the "
      "search.\n"
      "Exit status: 0 found, 2 wrong call, 4 it cannot be told, 128+N ended by signal N. The repository is "
      "left as "
      "it was.");
  command->callback([&status, &surroundings, options] {
    status =
        surroundings.after_dashes.empty()
            ? refuse("what is to be judged is missing; write leakhunt bisect GOOD BAD -- BUILD-AND-SCENARIO")
            : bisect(options->good, options->bad, surroundings.after_dashes);
  });
}

}  // namespace leakhunt::cli
