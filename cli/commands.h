// commands: one function a subcommand, each in the file of its name. It declares options on `app`; when the
// command was called, CLI11 runs it and it leaves its exit status in `status`.
//
// A new command is a file, a line here and a line in main.cpp.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace leakhunt::cli {

// What every command may need to know of this process.
struct Surroundings {
  std::filesystem::path program_directory;  // where leakhunt itself is
  std::vector<std::string> after_dashes;    // the words behind "--"
  bool has_dashes = false;
};

void declare_scenario(CLI::App& app, const Surroundings& surroundings, int& status);
void declare_run(CLI::App& app, const Surroundings& surroundings, int& status);
void declare_attach(CLI::App& app, const Surroundings& surroundings, int& status);
void declare_gate(CLI::App& app, const Surroundings& surroundings, int& status);
void declare_baseline(CLI::App& app, const Surroundings& surroundings, int& status);
void declare_history(CLI::App& app, const Surroundings& surroundings, int& status);
void declare_bisect(CLI::App& app, const Surroundings& surroundings, int& status);
void declare_report(CLI::App& app, const Surroundings& surroundings, int& status);
void declare_crosscheck(CLI::App& app, const Surroundings& surroundings, int& status);
void declare_diff(CLI::App& app, const Surroundings& surroundings, int& status);
void declare_selftest(CLI::App& app, const Surroundings& surroundings, int& status);
void declare_confusion(CLI::App& app, const Surroundings& surroundings, int& status);

}  // namespace leakhunt::cli
