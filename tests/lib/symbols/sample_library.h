// sample_library: the built sample.cpp, and copies of it that lack something. Shared by the symbolizer's
// tests.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "lib/symbols/symbolizer.h"

namespace leakhunt::symbols {

// A directory of its own, gone with the object.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::filesystem::path path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// What a command prints; throws when it fails.
std::string output_of(const std::string& command);

std::string quoted(const std::filesystem::path& path);  // for the shell

struct SampleSymbol {
  std::string name;  // linkage name
  uint64_t begin = 0;
  uint64_t size = 0;
};
// The functions of a library, from nm.
std::vector<SampleSymbol> functions_of(const std::filesystem::path& library);
// The one whose linkage name contains `part`.
SampleSymbol function_with(const std::filesystem::path& library, const std::string& part);

std::vector<uint8_t> build_id_of(const std::filesystem::path& library);

// Box::put with what is inlined into it, at the first address that stands in the innermost function.
// `library` is a copy of `original`, whose symbols say where to look.
std::vector<SourceFrame> chain_of_put(Symbolizer& symbolizer, const std::filesystem::path& library,
                                      const std::filesystem::path& original);
void expect_chain_of_put(const std::vector<SourceFrame>& frames);

// The number of the line of sample.cpp that says "// line: <words>".
uint32_t line_saying(const std::string& words);

}  // namespace leakhunt::symbols
