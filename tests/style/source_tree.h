// source_tree: the files that the house rules are about. Read once, then only looked at.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace leakhunt::style {

struct SourceFile {
  std::vector<std::string> lines;
  // The same lines with comments and the insides of string literals blanked; of C and C++ only, otherwise
  // empty.
  std::vector<std::string> code;
};

// By path from the root, with '/'.
using SourceTree = std::map<std::string, SourceFile>;

// What git tracks below `root`; where there is no git, every file, but for build/, out/ and hidden folders.
SourceTree read_tree(const std::filesystem::path& root);
SourceFile read_source(std::string_view path, const std::string& text);

bool is_header(std::string_view path);
bool is_cpp(std::string_view path);     // C or C++, header or not
bool is_script(std::string_view path);  // of the shell
// "lib/recording" of "lib/recording/run.h"; empty for a file in the root.
std::string_view folder_of(std::string_view path);
// "run" of "lib/recording/run.h"
std::string_view stem_of(std::string_view path);

}  // namespace leakhunt::style
