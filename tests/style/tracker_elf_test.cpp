// libleakhunt.so as the dynamic loader sees it: what it needs, and what it puts in front of the program.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

const std::filesystem::path kHooks = LEAKHUNT_ROOT "/instrument/hooks";

std::vector<std::string> readelf(const std::string& option) {
  FILE* pipe = popen(("LC_ALL=C readelf --wide " + option + " '" LEAKHUNT_TRACKER "'").c_str(), "r");
  std::string output;
  for (int c = 0; pipe != nullptr && (c = fgetc(pipe)) != EOF;) output += static_cast<char>(c);
  EXPECT_TRUE(pipe != nullptr && pclose(pipe) == 0) << "readelf failed on " LEAKHUNT_TRACKER;
  std::vector<std::string> lines;
  std::istringstream text(output);
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

// What `pattern` captures in the lines of a source, but for comments.
void collect(const std::filesystem::path& source, const std::regex& pattern, std::set<std::string>* names) {
  std::ifstream file(source);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("//")) continue;
    for (std::smatch match; std::regex_search(line, match, pattern); line = match.suffix())
      names->insert(match[1]);
  }
}

// The X(...) rows of the one list: hooked, and looked up.
std::set<std::string> hooked_functions() {
  std::set<std::string> names;
  collect(kHooks / "real_functions.h", std::regex(R"(\bX\((\w+),)"), &names);
  return names;
}

// And those that are written in terms of others, execv() of execve(): hooked without being looked up.
std::set<std::string> defined_hooks() {
  std::set<std::string> names = hooked_functions();
  for (const auto& entry : std::filesystem::directory_iterator(kHooks)) {
    collect(entry.path(), std::regex(R"(^LEAKHUNT_HOOK (?:__attribute__\(\(\w+\)\) )?[\w*]+\*? (\w+)\()"),
            &names);
  }
  return names;
}

TEST(TrackerElf, NeedsLibcOnly) {
  static const std::regex needed(R"(\(NEEDED\).*\[(.*)\])");
  std::set<std::string> libraries;
  for (const std::string& line : readelf("--dynamic")) {
    std::smatch match;
    if (std::regex_search(line, match, needed)) libraries.insert(match[1]);
  }
  EXPECT_EQ(libraries.count("libc.so.6"), 1u);
  libraries.erase("libc.so.6");
  libraries.erase("ld-linux-x86-64.so.2");
  EXPECT_TRUE(libraries.empty()) << "also needs " << *libraries.begin()
                                 << "; what in instrument/ pulls it in?";
}

TEST(TrackerElf, ExportsItsInterfaceAndTheHooksOnly) {
  std::set<std::string> missing = hooked_functions();
  ASSERT_TRUE(missing.contains("malloc")) << "the list in real_functions.h reads differently now";
  const std::set<std::string> hooks = defined_hooks();
  // Num: Value Size Type Bind Vis Ndx Name
  static const std::regex exported(
      R"(^\s*\d+:\s+[0-9a-f]+\s+\S+\s+\S+\s+(?:GLOBAL|WEAK)\s+\S+\s+\d+\s+([^@\s]+))");
  for (const std::string& line : readelf("--dyn-syms")) {
    std::smatch match;
    if (!std::regex_search(line, match, exported)) continue;
    const std::string name = match[1];
    EXPECT_TRUE(name.starts_with("leakhunt_") || hooks.contains(name))
        << name << " is exported, but is no LEAKHUNT_HOOK of instrument/hooks; give it hidden visibility";
    missing.erase(name);
  }
  EXPECT_TRUE(missing.empty()) << *missing.begin()
                               << " is in the list of hooked functions, but is not exported";
}

}  // namespace
