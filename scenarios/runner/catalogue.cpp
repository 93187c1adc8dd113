#include "scenarios/runner/catalogue.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "scenarios/runner/scenario.h"
#include "scenarios/runner/spelling.h"

namespace leakhunt::runner {

namespace fs = std::filesystem;

namespace {

std::string with_underscores(std::string_view name) {
  std::string text(name);
  std::replace(text.begin(), text.end(), '-', '_');
  return text;
}

std::vector<fs::path> scenario_files(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code problem;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, problem)) {
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void describe(const Schedule& schedule, CatalogueEntry& entry) {
  const auto fewer = [](const Plan& a, const Plan& b) {
    return a.scenario.iterations < b.scenario.iterations;
  };
  const auto [least, most] = std::minmax_element(schedule.runs.begin(), schedule.runs.end(), fewer);
  entry.runs = schedule.runs.size();
  entry.least_iterations = least->scenario.iterations;
  entry.most_iterations = most->scenario.iterations;
  entry.expected_verdict = schedule.expected_verdict;
  entry.defect = schedule.runs.front().scenario.defect;
  if (schedule.race) entry.twin = schedule.race->twin.scenario.name;
  entry.description = schedule.runs.front().scenario.description;
}

std::string_view without_number(std::string_view name) {
  while (!name.empty() && name.back() >= '0' && name.back() <= '9') name.remove_suffix(1);
  return name;
}

tl::expected<std::string, std::string> find_one_defect(const std::vector<CatalogueEntry>& entries,
                                                       std::string_view name) {
  std::vector<std::string_view> known;
  std::string list;
  for (const CatalogueEntry& entry : entries) {
    if (entry.defect.empty() || entry.defect.find('+') != std::string::npos) continue;
    // A number at its end is the user's: arena-cleanup-every-1 is known, so arena-cleanup-every-7 is.
    const std::string_view stem = without_number(entry.defect);
    const std::string_view asked = without_number(name);
    const bool has_number = stem.size() != entry.defect.size();
    if (has_number == (asked.size() != name.size()) && with_underscores(stem) == with_underscores(asked)) {
      return std::string(stem) + std::string(name.substr(asked.size()));
    }
    known.push_back(entry.defect);
    list += (list.empty() ? "" : ", ") + entry.defect;
  }
  return tl::unexpected(fmt::format("--defect: there is no defect {}{}; the defects are {}", name,
                                    did_you_mean(name, known), list));
}

}  // namespace

fs::path scenarios_directory(const fs::path& program_directory) {
  if (const char* chosen = std::getenv("LEAKHUNT_SCENARIOS"); chosen != nullptr && *chosen != '\0')
    return chosen;
  const fs::path installed = program_directory / "../share/leakhunt/scenarios";
  std::error_code problem;
  return fs::is_directory(installed, problem) ? installed.lexically_normal()
                                              : fs::path(LEAKHUNT_SOURCE_SCENARIOS);
}

std::vector<CatalogueEntry> list_scenarios(const fs::path& directory, const fs::path& program_directory) {
  std::vector<CatalogueEntry> entries;
  for (const fs::path& file : scenario_files(directory)) {
    CatalogueEntry entry;
    entry.name = file.stem().string();
    entry.file = file;
    if (const auto schedule = make_schedule({file, {}, program_directory})) {
      describe(*schedule, entry);
    } else {
      entry.problem = schedule.error();
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

tl::expected<fs::path, std::string> find_scenario(const fs::path& directory, std::string_view name_or_file) {
  if (name_or_file.find('/') != std::string_view::npos || name_or_file.ends_with(".toml")) {
    return fs::path(name_or_file);
  }
  const std::vector<fs::path> files = scenario_files(directory);
  std::vector<std::string> names;
  for (const fs::path& file : files) {
    if (with_underscores(file.stem().string()) == with_underscores(name_or_file)) return file;
    names.push_back(file.stem().string());
  }
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  return tl::unexpected(fmt::format("there is no scenario {} in {}{}; see leakhunt scenario --list",
                                    name_or_file, directory.string(),
                                    did_you_mean(with_underscores(name_or_file), candidates)));
}

tl::expected<std::string, std::string> find_defect(const std::vector<CatalogueEntry>& entries,
                                                   std::string_view names) {
  std::string found;
  for (std::string_view rest = names; !rest.empty();) {
    const std::string_view name = rest.substr(0, rest.find('+'));
    rest.remove_prefix(name.size() == rest.size() ? rest.size() : name.size() + 1);
    auto one = find_one_defect(entries, name);
    if (!one) return one;
    found += (found.empty() ? "" : "+") + *one;
  }
  return found;
}

}  // namespace leakhunt::runner
