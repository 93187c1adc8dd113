// Debug information that is not in the module: in a debug root, shared by dwz, in .dwo files, in
// .gnu_debugdata.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/auxv.h>

#include <cstring>
#include <fstream>
#include <random>
#include <sstream>

#include "lib/symbols/elf_file.h"
#include "lib/symbols/symbolizer.h"
#include "tests/lib/symbols/sample_library.h"

namespace leakhunt::symbols {
namespace {

namespace fs = std::filesystem;
const fs::path kSample = SYMBOLS_SAMPLE;

bool has_program(const std::string& name) {
  return std::system(("command -v " + name + " >/dev/null 2>&1").c_str()) == 0;
}

std::string hex_of(const std::vector<uint8_t>& bytes) {
  std::string hex;
  for (const uint8_t byte : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    hex += digits;
  }
  return hex;
}

// A stripped copy of the sample; its debug information is moved to `debug_file`.
fs::path split_sample(const fs::path& library, const fs::path& debug_file, bool with_link) {
  fs::create_directories(library.parent_path());
  fs::create_directories(debug_file.parent_path());
  fs::copy_file(kSample, library);
  output_of("objcopy --only-keep-debug " + quoted(library) + " " + quoted(debug_file));
  output_of("strip " + quoted(library));
  if (with_link) output_of("objcopy --add-gnu-debuglink=" + quoted(debug_file) + " " + quoted(library));
  return library;
}

fs::path place_by_build_id(const fs::path& root, const fs::path& module) {
  const std::string hex = hex_of(build_id_of(module));
  return root / ".build-id" / hex.substr(0, 2) / (hex.substr(2) + ".debug");
}

TEST(SeparateDebug, IsFoundByItsBuildIdInAnyDebugRoot) {
  const Scratch scratch;
  const fs::path root = scratch.path() / "debug";
  const auto library = split_sample(scratch.path() / "sample.so", place_by_build_id(root, kSample), false);
  Symbolizer symbolizer({scratch.path() / "no such root", root});
  expect_chain_of_put(chain_of_put(symbolizer, library, kSample));
}

TEST(SeparateDebug, OfAnotherBuildIsNotUsedThoughItLiesInTheRightPlace) {
  const Scratch scratch;
  const fs::path root = scratch.path() / "debug";
  const fs::path place = place_by_build_id(root, kSample);
  const auto library = split_sample(scratch.path() / "sample.so", place, false);
  output_of("objcopy --only-keep-debug " + quoted(fs::read_symlink("/proc/self/exe")) + " " + quoted(place));
  Symbolizer symbolizer(DebugRoots{root});
  const auto frames = symbolizer.resolve(library.string(), {}, function_with(kSample, "3Box3put").begin);
  ASSERT_TRUE(frames);
  EXPECT_EQ(frames->front().line, 0u);
}

TEST(SeparateDebug, IsFoundByTheModulesPathBelowADebugRoot) {
  const Scratch scratch;
  const fs::path root = scratch.path() / "debug";
  const fs::path folder = fs::canonical(scratch.path()) / "lib";
  const auto library =
      split_sample(folder / "sample.so", root / folder.relative_path() / "sample.so.debug", true);
  Symbolizer symbolizer(DebugRoots{root});
  expect_chain_of_put(chain_of_put(symbolizer, library, kSample));
}

TEST(SeparateDebug, RootsComeFromTheEnvironmentAndTheSystemsIsLast) {
  const char* before = getenv("LEAKHUNT_DEBUG_DIR");
  const std::string kept = before != nullptr ? before : "";
  setenv("LEAKHUNT_DEBUG_DIR", "/a::/b/c", 1);
  EXPECT_EQ(debug_roots_of_environment(), (DebugRoots{"/a", "/b/c", "/usr/lib/debug"}));
  unsetenv("LEAKHUNT_DEBUG_DIR");
  EXPECT_EQ(debug_roots_of_environment(), (DebugRoots{"/usr/lib/debug"}));
  if (before != nullptr) setenv("LEAKHUNT_DEBUG_DIR", kept.c_str(), 1);
}

// Two copies, the common part of whose debug information dwz moves to shared.debug.
class SharedDebug : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_program("dwz")) GTEST_SKIP() << "dwz is not installed";
    for (const char* name : {"one.so", "two.so"}) {
      fs::copy_file(kSample, path(name));
      output_of("objcopy --decompress-debug-sections " + quoted(path(name)));
    }
    output_of("cd " + quoted(scratch_.path()) + " && dwz -m shared.debug -M shared.debug one.so two.so 2>&1");
    ASSERT_TRUE(fs::exists(path("shared.debug")));
    ASSERT_NE(output_of("readelf -SW " + quoted(path("one.so"))).find(".gnu_debugaltlink"),
              std::string::npos);
  }
  fs::path path(const std::string& name) const { return scratch_.path() / name; }

  Scratch scratch_;
};

TEST_F(SharedDebug, OfDwzIsFoundAsTheLinkSays) {
  Symbolizer symbolizer(DebugRoots{});
  expect_chain_of_put(chain_of_put(symbolizer, path("one.so"), kSample));
}

TEST_F(SharedDebug, OfDwzIsFoundByItsBuildId) {
  const fs::path root = path("debug");
  const fs::path place = place_by_build_id(root, path("shared.debug"));
  fs::create_directories(place.parent_path());
  fs::rename(path("shared.debug"), place);
  Symbolizer symbolizer(DebugRoots{root});
  expect_chain_of_put(chain_of_put(symbolizer, path("one.so"), kSample));
}

TEST_F(SharedDebug, ThatIsGoneCostsNamesAndNothingElse) {
  fs::remove(path("shared.debug"));
  Symbolizer symbolizer(DebugRoots{});
  const auto frames =
      symbolizer.resolve(path("one.so").string(), {}, function_with(kSample, "3Box3put").begin);
  ASSERT_TRUE(frames);
  EXPECT_EQ(frames->back().function, "sample::Box::put(int)");
}

TEST(DwoFiles, HoldFunctionsAndTheProgramTheLines) {
  const fs::path library = SYMBOLS_SAMPLE_DWO;
  Symbolizer symbolizer;
  expect_chain_of_put(chain_of_put(symbolizer, library, library));
}

TEST(DwoFiles, ThatAreGoneLeaveTheLinesAndTheSymbols) {
  const Scratch scratch;
  const fs::path library = scratch.path() / "sample.so";
  fs::copy_file(SYMBOLS_SAMPLE_DWO, library);
  // The names of the .dwo file, changed to one that is not there.
  std::string bytes;
  {
    std::ifstream file(library, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  const std::string kEnding = ".dwo";
  for (size_t at = bytes.find(kEnding); at != std::string::npos; at = bytes.find(kEnding, at + 1))
    bytes[at + 3] = 'x';
  std::ofstream(library, std::ios::binary | std::ios::trunc) << bytes;
  Symbolizer symbolizer;
  const auto frames = symbolizer.resolve(library.string(), {}, function_with(library, "3Box3put").begin);
  ASSERT_TRUE(frames);
  EXPECT_EQ(frames->front().function, "sample::Box::put(int)");
  EXPECT_NE(frames->front().line, 0u);
}

// The .dwo files that a program names are packed, and then removed: what is found is in the package.
// binutils' dwp packs GNU's form for DWARF 4, that of LLVM the standard's.
class DwpFiles : public testing::TestWithParam<std::pair<const char*, const char*>> {
 protected:
  void SetUp() override {
    if (!has_program(packer())) GTEST_SKIP() << packer() << " is not installed";
    std::ofstream(path("other.cpp")) << "int other(int x) { return x * 7; }\n";
    const std::string compile = " && g++ -std=c++20 -fPIC -O2 -g -gsplit-dwarf " + version() + " -c ";
    output_of("cd " + quoted(scratch_.path()) + compile + SYMBOLS_SAMPLE_SOURCE " -o one.o" + compile +
              "other.cpp -o two.o && g++ -shared two.o one.o -o sample.so && " + packer() +
              " -e sample.so -o sample.so.dwp && rm *.dwo");
  }
  static std::string version() { return GetParam().first; }
  static std::string packer() { return GetParam().second; }
  fs::path path(const std::string& name) const { return scratch_.path() / name; }

  Scratch scratch_;
};

INSTANTIATE_TEST_SUITE_P(Forms, DwpFiles,
                         testing::Values(std::pair{"-gdwarf-4", "dwp"}, std::pair{"-gdwarf-5", "llvm-dwp"}),
                         [](const auto& form) { return form.index == 0 ? "OfGnu" : "OfDwarf5"; });

TEST_P(DwpFiles, HoldTheUnitsOfManyDwoFiles) {
  Symbolizer symbolizer;
  expect_chain_of_put(chain_of_put(symbolizer, path("sample.so"), path("sample.so")));
  const auto other =
      symbolizer.resolve(path("sample.so").string(), {}, function_with(path("sample.so"), "5other").begin);
  ASSERT_TRUE(other);
  EXPECT_EQ(other->front().function, "other(int)");
  EXPECT_EQ(other->front().line, 1u);
  EXPECT_EQ(fs::path(other->front().file).filename(), "other.cpp");
}

TEST_P(DwpFiles, ThatAreDamagedAreReadWithoutHarm) {
  std::string good;
  {
    std::ifstream file(path("sample.so.dwp"), std::ios::binary);
    good.assign(std::istreambuf_iterator<char>(file), {});
  }
  const uint64_t at = function_with(path("sample.so"), "3Box3put").begin;
  std::mt19937_64 random(20261121);
  for (int round = 0; round < 60; ++round) {
    std::string damaged = good;
    for (int i = 0; i < 200; ++i) damaged[random() % damaged.size()] = static_cast<char>(random());
    std::ofstream(path("sample.so.dwp"), std::ios::binary | std::ios::trunc) << damaged;
    Symbolizer symbolizer;
    const auto frames = symbolizer.resolve(path("sample.so").string(), {}, at);
    EXPECT_TRUE(!frames || !frames->empty()) << round;
  }
}

TEST(MiniDebug, NamesLocalFunctionsOfAStrippedModule) {
  if (!has_program("xz")) GTEST_SKIP() << "xz is not installed";
  const Scratch scratch;
  const fs::path library = scratch.path() / "sample.so";
  const fs::path symbols = scratch.path() / "symbols";
  fs::copy_file(kSample, library);
  output_of("objcopy --strip-debug --remove-section=.comment " + quoted(library) + " " + quoted(symbols));
  output_of("xz --keep --suffix=.xz " + quoted(symbols));
  output_of("strip " + quoted(library));
  output_of("objcopy --add-section .gnu_debugdata=" + quoted(fs::path(symbols.string() + ".xz")) + " " +
            quoted(library));
  Symbolizer symbolizer;
  const auto frames = symbolizer.resolve(library.string(), {}, function_with(kSample, "6hidden").begin + 1);
  ASSERT_TRUE(frames);
  EXPECT_EQ(frames->front().function, "sample::(anonymous namespace)::hidden(int)");
}

TEST(MiniDebug, ThatIsNoXzFileIsPassedOver) {
  const Scratch scratch;
  const fs::path library = scratch.path() / "sample.so";
  fs::copy_file(kSample, library);
  std::ofstream(scratch.path() / "junk") << std::string(1000, 'x');
  output_of("strip " + quoted(library));
  output_of("objcopy --add-section .gnu_debugdata=" + quoted(scratch.path() / "junk") + " " +
            quoted(library));
  Symbolizer symbolizer;
  EXPECT_FALSE(symbolizer.resolve(library.string(), {}, function_with(kSample, "6hidden").begin + 1));
  EXPECT_TRUE(symbolizer.resolve(library.string(), {}, function_with(kSample, "3Box3put").begin + 1));
}

TEST(KernelsCode, HasNamesWhenItIsThisKernels) {
  const auto at = static_cast<uintptr_t>(getauxval(AT_SYSINFO_EHDR));
  if (at == 0) GTEST_SKIP() << "this kernel maps no code into programs";
  const auto* header = reinterpret_cast<const Elf64_Ehdr*>(at);
  const auto* bytes = reinterpret_cast<const char*>(at);
  const size_t size = header->e_shoff + size_t{header->e_shnum} * header->e_shentsize;
  const Scratch scratch;
  std::ofstream(scratch.path() / "vdso", std::ios::binary).write(bytes, static_cast<std::streamsize>(size));
  const auto function = [&] {
    std::istringstream lines(output_of("nm -D --defined-only " + quoted(scratch.path() / "vdso")));
    uint64_t address = 0;
    std::string type;
    std::string name;
    while (lines >> std::hex >> address >> type >> name) {
      if (name.starts_with("__vdso_clock_gettime")) break;
    }
    return address;
  }();
  Symbolizer symbolizer;
  auto build_id = build_id_of(scratch.path() / "vdso");
  const auto frames = symbolizer.resolve("[vdso]", build_id, function + 1);
  ASSERT_TRUE(frames);
  EXPECT_NE(frames->front().function.find("clock_gettime"), std::string::npos) << frames->front().function;
  build_id[0] ^= 1;
  EXPECT_EQ(symbolizer.resolve("[vdso]", build_id, function + 1).error(), Unresolved::kOtherBuild);
}

}  // namespace
}  // namespace leakhunt::symbols
