#include "tests/lib/symbols/sample_library.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace leakhunt::symbols {
namespace fs = std::filesystem;

Scratch::Scratch() {
  std::string pattern = (fs::temp_directory_path() / "leakhunt-symbols-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no directory for the test: " + pattern);
  path_ = pattern;
}

Scratch::~Scratch() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string output_of(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error(command);
  std::string output;
  char block[4096];
  for (size_t n = 0; (n = fread(block, 1, sizeof block, pipe)) > 0;) output.append(block, n);
  if (pclose(pipe) != 0) throw std::runtime_error("failed: " + command);
  return output;
}

std::string quoted(const fs::path& path) {
  return "'" + path.string() + "'";
}

std::vector<SampleSymbol> functions_of(const fs::path& library) {
  std::istringstream lines(output_of("nm --defined-only --print-size " + quoted(library)));
  std::vector<SampleSymbol> functions;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    SampleSymbol symbol;
    char type = 0;
    if (!(words >> std::hex >> symbol.begin >> symbol.size >> type >> symbol.name)) continue;  // no size
    if (std::string("tTwW").find(type) != std::string::npos) functions.push_back(symbol);
  }
  return functions;
}

SampleSymbol function_with(const fs::path& library, const std::string& part) {
  for (const SampleSymbol& symbol : functions_of(library)) {
    if (symbol.name.find(part) != std::string::npos) return symbol;
  }
  throw std::runtime_error("no function named like " + part);
}

std::vector<uint8_t> build_id_of(const fs::path& library) {
  const std::string notes = output_of("readelf --notes " + quoted(library));
  std::istringstream words(notes.substr(notes.find("Build ID:") + 9));
  std::string hex;
  words >> hex;
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

std::vector<SourceFrame> chain_of_put(Symbolizer& symbolizer, const fs::path& library,
                                      const fs::path& original) {
  const SampleSymbol function = function_with(original, "3Box3put");
  for (uint64_t at = function.begin; at < function.begin + function.size; ++at) {
    const auto frames = symbolizer.resolve(library.string(), {}, at);
    if (frames && frames->front().line == line_saying("store in innermost")) return *frames;
  }
  return {};
}

void expect_chain_of_put(const std::vector<SourceFrame>& frames) {
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[0].function, "sample::(anonymous namespace)::innermost");
  EXPECT_EQ(frames[1].function, "sample::(anonymous namespace)::middle");
  EXPECT_EQ(frames[2].function, "sample::Box::put(int)");
  EXPECT_EQ(frames[0].line, line_saying("store in innermost"));
  EXPECT_EQ(frames[1].line, line_saying("call of innermost"));
  EXPECT_EQ(frames[2].line, line_saying("call of middle"));
  for (const SourceFrame& frame : frames) EXPECT_EQ(fs::path(frame.file), SYMBOLS_SAMPLE_SOURCE);
  EXPECT_TRUE(frames[0].inlined);
  EXPECT_TRUE(frames[1].inlined);
  EXPECT_FALSE(frames[2].inlined);
}

uint32_t line_saying(const std::string& words) {
  std::ifstream source(SYMBOLS_SAMPLE_SOURCE);
  uint32_t number = 0;
  for (std::string line; std::getline(source, line);) {
    ++number;
    if (line.ends_with("// line: " + words)) return number;
  }
  throw std::runtime_error("no line says " + words);
}

}  // namespace leakhunt::symbols
