#include "scenarios/runner/iteration_symbol.h"

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "lib/symbols/functions.h"
#include "lib/symbols/symbol_table.h"
#include "scenarios/runner/entry_text.h"
#include "scenarios/runner/needed_libraries.h"
#include "scenarios/runner/spelling.h"

namespace leakhunt::runner {

namespace fs = std::filesystem;

namespace {

using symbols::ElfFile;
using symbols::Function;
using Refusal = tl::unexpected<std::string>;

constexpr const char* kOption = "--iteration-symbol";
constexpr const char* kModulesChanged = "_dl_debug_state";
constexpr size_t kNamesShown = 8;

struct Match {
  fs::path file;
  Function function;
};

struct Wanted {
  std::string file;  // or empty
  std::string function;
};

// "libfoo.so:f"; the colons of "ns::f" do not separate.
Wanted split(std::string_view symbol) {
  for (size_t at = symbol.find(':'); at != std::string_view::npos; at = symbol.find(':', at + 1)) {
    if (at + 1 < symbol.size() && symbol[at + 1] == ':') {
      ++at;
      continue;
    }
    return {std::string(symbol.substr(0, at)), std::string(symbol.substr(at + 1))};
  }
  return {"", std::string(symbol)};
}

bool is_named(const fs::path& file, const std::string& name) {
  std::error_code problem;
  return file.filename() == name || fs::equivalent(file, name, problem);
}

std::vector<fs::path> files_to_search(const ProgramFiles& files, const Wanted& wanted) {
  std::vector<fs::path> all = {files.executable};
  all.insert(all.end(), files.libraries.begin(), files.libraries.end());
  if (wanted.file.empty()) return all;
  std::erase_if(all, [&](const fs::path& file) { return !is_named(file, wanted.file); });
  if (!all.empty()) return all;
  const fs::path library = find_library(wanted.file, files);
  return library.empty() ? std::vector<fs::path>() : std::vector<fs::path>{library};
}

std::string last_part(const std::string& readable) {
  const std::string_view name = std::string_view(readable).substr(0, readable.find('('));
  const size_t colons = name.rfind("::");
  return std::string(colons == std::string_view::npos ? name : name.substr(colons + 2));
}

// For an error: the names that could have been meant.
std::string near_names(const std::vector<fs::path>& files, const std::string& wanted) {
  std::set<std::string> near;
  std::set<std::string> all;
  for (const fs::path& path : files) {
    const auto file = ElfFile::open(path.string());
    if (!file) continue;
    for (const Function& function : symbols::functions_of(*file)) {
      std::string name = symbols::demangle(function.name);
      const bool has_part = name.find(wanted) != std::string::npos || last_part(name) == last_part(wanted);
      if (has_part && near.size() < kNamesShown) near.insert(name);
      const size_t longer = std::max(name.size(), wanted.size());
      if (longer - std::min(name.size(), wanted.size()) <= wanted.size() / 3) all.insert(std::move(name));
    }
  }
  std::string text;
  for (const std::string& name : near) text += (text.empty() ? "; near it are " : ", ") + name;
  if (!text.empty()) return text;
  const std::vector<std::string_view> views(all.begin(), all.end());
  return did_you_mean(wanted, views);
}

std::vector<Match> find_matches(const std::vector<fs::path>& files, const std::string& name) {
  std::vector<Match> matches;
  for (const fs::path& path : files) {
    const auto file = ElfFile::open(path.string());
    if (!file) continue;
    for (Function& function : symbols::functions_of(*file)) {
      if (!symbols::is_called(function, name)) continue;
      const bool same = !matches.empty() && matches.back().file == path &&
                        matches.back().function.address == function.address;
      if (!same) matches.push_back({path, std::move(function)});
    }
  }
  return matches;
}

std::string several(std::string_view symbol, const std::vector<Match>& matches) {
  std::string text;
  for (size_t i = 0; i < std::min(matches.size(), kNamesShown); ++i) {
    text += fmt::format("{}{}:{}", i == 0 ? "" : ", ", matches[i].file.filename().string(),
                        symbols::demangle(matches[i].function.name));
  }
  return fmt::format(
      "{} {}: there are {} functions of that name: {}; write FILE:FUNCTION as listed, or the name as "
      "linked, to choose one",
      kOption, symbol, matches.size(), text);
}

}  // namespace

tl::expected<EntryWatch, std::string> find_iteration_symbol(const fs::path& program,
                                                            std::string_view symbol) {
  const Wanted wanted = split(symbol);
  const ProgramFiles files = files_of(program);
  const std::vector<fs::path> searched = files_to_search(files, wanted);
  if (searched.empty()) {
    return Refusal(
        fmt::format("{} {}: {} is neither the program nor a library that it needs, and in no usual "
                    "folder; write its path",
                    kOption, symbol, wanted.file));
  }
  const std::vector<Match> matches = find_matches(searched, wanted.function);
  if (matches.empty()) {
    const std::string where =
        wanted.file.empty() ? fmt::format("{} and the libraries it needs have", files.executable.string())
                            : fmt::format("{} has", searched.front().string());
    return Refusal(fmt::format("{} {}: {} no symbol of such a function{}", kOption, symbol, where,
                               near_names(searched, wanted.function)));
  }
  if (matches.size() > 1) return Refusal(several(symbol, matches));
  const Match& match = matches.front();
  auto function = entry_text(match.file, match.function);
  if (!function) {
    return Refusal(fmt::format("{} {}: the entry of {} in {} cannot be watched: {}", kOption, symbol,
                               symbols::demangle(match.function.name), match.file.string(),
                               function.error()));
  }
  return EntryWatch{std::move(*function), entry_text(files.loader, kModulesChanged)};
}

}  // namespace leakhunt::runner
