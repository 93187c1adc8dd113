// catalogue: the scenarios that come with leakhunt, by name.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace leakhunt::runner {

// A row of `leakhunt scenario --list`. A file with a mistake is listed, too: `problem` is its line.
struct CatalogueEntry {
  std::string name;  // of its file
  std::filesystem::path file;
  size_t runs = 1;
  uint64_t least_iterations = 0;  // of a run; 0: not known
  uint64_t most_iterations = 0;
  std::string expected_verdict;
  std::string defect;
  std::string twin;  // that its speed is compared with, where it is
  std::string description;
  std::string problem;
};

// Where the scenarios are: LEAKHUNT_SCENARIOS, share/leakhunt/scenarios beside the program's bin, or the
// source tree that leakhunt was built from.
std::filesystem::path scenarios_directory(const std::filesystem::path& program_directory);

// All *.toml of the directory, by name.
std::vector<CatalogueEntry> list_scenarios(const std::filesystem::path& directory,
                                           const std::filesystem::path& program_directory);

// A scenario's file from what the user typed: a path when it has a / or ends in .toml, otherwise the name of
// a scenario in the directory, in which - and _ are the same. The error is the line for the user.
tl::expected<std::filesystem::path, std::string> find_scenario(const std::filesystem::path& directory,
                                                               std::string_view name_or_file);

// The defects as their program knows them: each is one that a scenario of the directory injects, - and _
// being the same; several have a + between them. The error is the line for the user.
tl::expected<std::string, std::string> find_defect(const std::vector<CatalogueEntry>& entries,
                                                   std::string_view names);

}  // namespace leakhunt::runner
