// The symbolizer beside addr2line, at every byte of code.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>

#include "lib/symbols/symbol_table.h"
#include "lib/symbols/symbolizer.h"
#include "tests/lib/symbols/sample_library.h"

namespace leakhunt::symbols {
namespace {

namespace fs = std::filesystem;
using Frames = std::vector<SourceFrame>;

// What addr2line says about each address. Its output, per address:  0x<address> (function file:line)+
std::vector<Frames> ask_addr2line(const fs::path& library, const std::vector<uint64_t>& addresses) {
  const Scratch scratch;
  const fs::path questions = scratch.path() / "addresses";
  {
    std::ofstream file(questions);
    for (const uint64_t address : addresses) file << std::hex << address << '\n';
  }
  std::istringstream answers(
      output_of("addr2line -a -f -i -e " + quoted(library) + " <" + quoted(questions)));
  std::vector<Frames> all;
  std::string function;
  std::string place;
  while (std::getline(answers, function)) {
    if (function.starts_with("0x")) {
      all.emplace_back();
      continue;
    }
    std::getline(answers, place);
    place = place.substr(0, place.find(" (discriminator"));
    const size_t colon = place.rfind(':');
    const std::string line = place.substr(colon + 1);
    all.back().push_back(
        {function, place.substr(0, colon), line == "?" ? 0 : uint32_t(std::stoul(line)), false});
  }
  return all;
}

std::string described(const Frames& frames) {
  std::string text;
  for (const SourceFrame& frame : frames) {
    text += "  " + frame.function + " " + frame.file + ":" + std::to_string(frame.line) + "\n";
  }
  return text;
}

struct Comparison {
  size_t addresses = 0;
  size_t differing = 0;
  std::string first_difference;
};

// addr2line knows some functions by a short name only, where we say what encloses them and their parameters.
bool same_function(const std::string& ours, const std::string& theirs) {
  return theirs.starts_with("_Z") ? ours == demangle(theirs) : ours.find(theirs) != std::string::npos;
}

bool same_place(const SourceFrame& ours, const SourceFrame& theirs) {
  return ours.line == theirs.line &&
         fs::path(ours.file).lexically_normal() == fs::path(theirs.file).lexically_normal();
}

bool same_frames(const Frames& ours, const Frames& theirs) {
  if (!std::ranges::equal(ours, theirs, same_place)) return false;
  // binutils 2.40 gives the innermost frame the symbol's name when DWARF has no linkage name for it, inlined
  // or not.
  if (theirs.front().function != ours.front().function &&
      demangle(theirs.front().function) == ours.back().function) {
    return true;
  }
  return std::ranges::equal(ours, theirs, same_function, &SourceFrame::function, &SourceFrame::function);
}

Comparison compare_with_addr2line(const fs::path& library) {
  std::vector<uint64_t> addresses;
  for (const SampleSymbol& function : functions_of(library)) {
    for (uint64_t at = function.begin; at < function.begin + function.size; ++at) addresses.push_back(at);
  }
  const std::vector<Frames> oracle = ask_addr2line(library, addresses);
  Symbolizer symbolizer;
  Comparison comparison;
  for (size_t i = 0; i < addresses.size(); ++i) {
    if (oracle[i].front().line == 0) continue;  // start-up code, without debug information
    ++comparison.addresses;
    const Frames ours = symbolizer.resolve(library.string(), {}, addresses[i]).value_or(Frames{});
    if (same_frames(ours, oracle[i])) continue;
    if (comparison.differing++ == 0) {
      std::ostringstream text;
      text << std::hex << addresses[i] << "\nours:\n"
           << described(ours) << "addr2line:\n"
           << described(oracle[i]);
      comparison.first_difference = text.str();
    }
  }
  return comparison;
}

TEST(SymbolizerOracle, AgreesWithAddr2lineAtEveryByteOfTheSample) {
  const Comparison comparison = compare_with_addr2line(SYMBOLS_SAMPLE);
  EXPECT_GT(comparison.addresses, 100u);
  EXPECT_EQ(comparison.differing, 0u)
      << "of " << comparison.addresses << "; first at " << comparison.first_difference;
}

TEST(SymbolizerOracle, ResolvesAHundredThousandAddressesInSeconds) {
  const fs::path program = fs::read_symlink("/proc/self/exe");
  std::vector<uint64_t> addresses;
  for (const SampleSymbol& function : functions_of(program)) {
    for (uint64_t at = function.begin; at < function.begin + function.size; ++at) addresses.push_back(at);
  }
  ASSERT_FALSE(addresses.empty());
  Symbolizer symbolizer;
  const auto begin = std::chrono::steady_clock::now();
  size_t resolved = 0;
  for (size_t i = 0; i < 100'000; ++i) {
    // A stride coprime to any count: neighbours in time are strangers in the file.
    const uint64_t at = addresses[i * 104'729 % addresses.size()];
    if (symbolizer.resolve(program.string(), {}, at)) ++resolved;
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  RecordProperty("addresses", std::to_string(addresses.size()));
  RecordProperty("seconds", std::to_string(seconds.count()));
  EXPECT_GT(resolved, 95'000u);
  EXPECT_LT(seconds.count(), 20.0);  // about 0.5 s; a machine under load, or a sanitizer, takes longer
}

}  // namespace
}  // namespace leakhunt::symbols
