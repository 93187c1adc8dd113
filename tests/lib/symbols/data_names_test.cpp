// Data to names: variables and members at addresses, types of what a call allocates; with debug information
// in the file, split off it, and without.
#include "lib/symbols/data_names.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/lib/symbols/sample_library.h"

namespace leakhunt::symbols {
namespace {

namespace fs = std::filesystem;
using recording::DataName;
using recording::MemberName;

const fs::path kSample = SYMBOLS_SAMPLE;
const uint64_t kPointer = sizeof(void*);

uint64_t address_of(const std::string& variable) {
  std::istringstream lines(output_of("nm --demangle " + quoted(kSample)));
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with(" " + variable)) return std::stoull(line, nullptr, 16);
  }
  ADD_FAILURE() << "no variable " << variable;
  return 0;
}

std::string member_name(DataNamer& namer, uint64_t address) {
  const auto name = namer.variable_at(address);
  return name ? name->variable + "|" + name->member + "|" + std::to_string(name->offset) : "nothing";
}

void expect_variables(DataNamer& namer) {
  const uint64_t table = address_of("sample::table");
  EXPECT_EQ(member_name(namer, table), "sample::table|rows[0]|0");
  EXPECT_EQ(member_name(namer, table + 3 * kPointer), "sample::table|rows[3]|24");
  EXPECT_EQ(member_name(namer, table + 8 * kPointer), "sample::table|last|64");
  EXPECT_EQ(member_name(namer, address_of("sample::only")), "sample::only||0");
  EXPECT_EQ(member_name(namer, 1), "nothing");
}

// What the function allocates, as the runner asks: by an address in the call, and its line.
DataNamer::Found allocated_by(DataNamer& namer, const std::string& function, uint32_t line,
                              DataNamer::Allocated* allocated) {
  const SampleSymbol symbol = function_with(kSample, function);
  return namer.type_allocated_at(symbol.begin + symbol.size / 2, line, allocated);
}

std::string member_at(const DataNamer::Allocated& type, uint64_t offset) {
  const auto name = DataNamer::member_at(type, offset);
  return name ? name->type + "::" + name->member : "nothing";
}

void expect_members(DataNamer& namer) {
  DataNamer::Allocated type;
  ASSERT_EQ(allocated_by(namer, "make_node", 0, &type), DataNamer::Found::kType);
  EXPECT_EQ(member_at(type, 0), "Node::next");
  EXPECT_EQ(member_at(type, kPointer + 2 * sizeof(int)), "Node::values[2]");
  EXPECT_EQ(member_at(type, kPointer + 5 * sizeof(int)), "Node::position.column");
  EXPECT_EQ(member_at(type, kPointer + 6 * sizeof(int)), "Node::name._M_dataplus._M_p");
  EXPECT_EQ(member_at(type, 4096), "nothing");
}

TEST(DataNames, OfVariablesAreThoseOfTheirSlots) {
  auto namer = DataNamer::open(kSample, {});
  ASSERT_TRUE(namer);
  expect_variables(*namer);
}

TEST(DataNames, OfABlockAreThoseOfTheStructureThatAFunctionReturns) {
  auto namer = DataNamer::open(kSample, {});
  ASSERT_TRUE(namer);
  expect_members(*namer);
}

TEST(DataNames, OfABlockAreThoseOfTheVariableDeclaredInTheLine) {
  auto namer = DataNamer::open(kSample, {});
  ASSERT_TRUE(namer);
  DataNamer::Allocated type;
  ASSERT_EQ(allocated_by(*namer, "keep_node", line_saying("a variable is declared"), &type),
            DataNamer::Found::kType);
  EXPECT_EQ(member_at(type, 0), "Node::next");
  EXPECT_EQ(allocated_by(*namer, "keep_node", 1, &type), DataNamer::Found::kNothing);
}

TEST(DataNames, OfABlockOfNobodyKnowsWhatAreNone) {
  auto namer = DataNamer::open(kSample, {});
  ASSERT_TRUE(namer);
  DataNamer::Allocated type;
  EXPECT_EQ(allocated_by(*namer, "make_bytes", 0, &type), DataNamer::Found::kNothing);
  EXPECT_EQ(namer->type_allocated_at(0, 0, &type), DataNamer::Found::kPlumbing);
}

TEST(DataNames, AreNotTakenFromAnotherBuild) {
  const std::vector<uint8_t> other(20, 0xAB);
  EXPECT_FALSE(DataNamer::open(kSample, other));
  EXPECT_TRUE(DataNamer::open(kSample, build_id_of(kSample)));
  EXPECT_FALSE(DataNamer::open("/no/such/file", {}));
}

// --- split off

fs::path stripped(const fs::path& folder, const fs::path& debug_file) {
  const fs::path library = folder / "sample.so";
  fs::create_directories(debug_file.parent_path());
  fs::copy_file(kSample, library);
  output_of("objcopy --only-keep-debug " + quoted(library) + " " + quoted(debug_file));
  output_of("strip " + quoted(library));
  return library;
}

TEST(DataNames, AreFoundInWhatWasSplitOffByItsBuildId) {
  const Scratch scratch;
  std::string hex;
  for (const uint8_t byte : build_id_of(kSample)) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    hex += digits;
  }
  const fs::path root = scratch.path() / "debug";
  const fs::path library =
      stripped(scratch.path(), root / ".build-id" / hex.substr(0, 2) / (hex.substr(2) + ".debug"));
  auto namer = DataNamer::open(library, {}, {root});
  ASSERT_TRUE(namer);
  expect_variables(*namer);
  expect_members(*namer);
}

TEST(DataNames, AreFoundInWhatWasSplitOffByItsLink) {
  const Scratch scratch;
  const fs::path debug = scratch.path() / ".debug" / "sample.debug";
  const fs::path library = stripped(scratch.path(), debug);
  output_of("objcopy --add-gnu-debuglink=" + quoted(debug) + " " + quoted(library));
  auto namer = DataNamer::open(library, {}, DebugRoots{});
  ASSERT_TRUE(namer);
  expect_variables(*namer);
  expect_members(*namer);
}

TEST(DataNames, WithoutDebugInformationAreThoseOfExportedVariables) {
  const Scratch scratch;
  const fs::path library = stripped(scratch.path(), scratch.path() / "elsewhere" / "sample.debug");
  auto namer = DataNamer::open(library, {}, DebugRoots{});
  ASSERT_TRUE(namer);
  EXPECT_EQ(member_name(*namer, address_of("sample::table") + 3 * kPointer), "sample::table||24");
  DataNamer::Allocated type;
  EXPECT_EQ(allocated_by(*namer, "make_node", 0, &type), DataNamer::Found::kPlumbing);
}

}  // namespace
}  // namespace leakhunt::symbols
