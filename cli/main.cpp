// leakhunt: finds out whether a program's memory grows, how fast, and where. docs/command.md is the manual.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iterator>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/messages.h"
#include "scenarios/runner/spelling.h"

namespace leakhunt::cli {

namespace {

std::filesystem::path own_directory() {
  std::error_code problem;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", problem);
  return problem ? std::filesystem::current_path() : self.parent_path();
}

// The words up to the first "--" are ours, the rest is somebody else's program.
Surroundings look_around(std::vector<std::string>& words) {
  Surroundings surroundings;
  surroundings.program_directory = own_directory();
  const auto dashes = std::find(words.begin(), words.end(), "--");
  surroundings.has_dashes = dashes != words.end();
  if (surroundings.has_dashes) {
    surroundings.after_dashes.assign(std::next(dashes), words.end());
    words.erase(dashes, words.end());
  }
  return surroundings;
}

// What is wrong with the first word; empty: nothing. CLI11 would ask for a command, or call a misspelt one an
// unexpected argument.
std::string wrong_first_word(const std::string& word, const CLI::App& app) {
  if (word.starts_with('-')) {
    const bool is_known = word == "-h" || word == "--help" || word == "--version";
    return is_known ? "" : fmt::format("there is no option {}; see leakhunt --help", word);
  }
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  if (std::find(names.begin(), names.end(), word) != names.end()) return {};
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  return fmt::format("there is no command {}{}; the commands are {} and {}", word,
                     runner::did_you_mean(word, candidates), fmt::join(names.begin(), names.end() - 1, ", "),
                     names.back());
}

int refuse_call(const CLI::App& app, const CLI::ParseError& error) {
  std::string command;
  for (const CLI::App* called : app.get_subcommands()) command = " " + called->get_name();
  std::string text = error.what();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return refuse(fmt::format("{}; see leakhunt{} --help", text, command));
}

int run_command(std::vector<std::string> words) {
  const Surroundings surroundings = look_around(words);
  int status = 0;
  CLI::App app{"Says whether a program's memory grows, by how much per iteration, and where.", "leakhunt"};
  app.set_version_flag("--version", "leakhunt " LEAKHUNT_VERSION, "Print the version and exit");
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 pass, 1 fail, 2 wrong call or something missing, 3 the target itself failed,\n"
      "             4 inconclusive, 128+N ended by signal N.");
  declare_scenario(app, surroundings, status);
  declare_run(app, surroundings, status);
  declare_attach(app, surroundings, status);
  declare_report(app, surroundings, status);
  declare_gate(app, surroundings, status);
  declare_baseline(app, surroundings, status);
  declare_history(app, surroundings, status);
  declare_bisect(app, surroundings, status);
  declare_diff(app, surroundings, status);
  declare_crosscheck(app, surroundings, status);
  declare_selftest(app, surroundings, status);
  declare_confusion(app, surroundings, status);
  const std::string problem = words.empty() ? std::string() : wrong_first_word(words.front(), app);
  if (!problem.empty()) return refuse(problem);
  try {
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    app.parse(words);
  } catch (const CLI::Success& done) {  // --help, --version
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    return refuse_call(app, error);
  }
  return status;
}

}  // namespace

}  // namespace leakhunt::cli

int main(int argc, char** argv) {
  try {
    return leakhunt::cli::run_command(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& error) {  // memory is exhausted, or a mistake of ours
    return leakhunt::cli::refuse(error.what());
  }
}
