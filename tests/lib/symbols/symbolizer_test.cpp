// What the symbolizer says about the sample, whole, stripped, split and replaced.
#include "lib/symbols/symbolizer.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "tests/lib/symbols/sample_library.h"

namespace leakhunt::symbols {
namespace {

namespace fs = std::filesystem;
const fs::path kSample = SYMBOLS_SAMPLE;

// The first address of `function` at which the innermost frame stands on `line`; resolves it.
std::vector<SourceFrame> frames_on_line(Symbolizer& symbolizer, const fs::path& library,
                                        const SampleSymbol& function, uint32_t line) {
  for (uint64_t at = function.begin; at < function.begin + function.size; ++at) {
    const auto frames = symbolizer.resolve(library.string(), {}, at);
    if (frames && frames->front().line == line) return *frames;
  }
  ADD_FAILURE() << "no address of " << function.name << " is on line " << line;
  return {};
}

std::vector<SourceFrame> chain_of_put(const fs::path& library) {
  Symbolizer symbolizer;
  return symbols::chain_of_put(symbolizer, library, kSample);
}

// Splits the debug information off a copy of the sample: directory/sample.so stays, the rest goes to
// `debug_file`.
fs::path split_sample(const fs::path& directory, const fs::path& debug_file,
                      const std::string& strip_options = "") {
  const fs::path library = directory / "sample.so";
  fs::create_directories(debug_file.parent_path());
  fs::copy_file(kSample, library);
  output_of("objcopy --only-keep-debug " + quoted(library) + " " + quoted(debug_file));
  output_of("strip " + strip_options + " " + quoted(library));
  output_of("objcopy --add-gnu-debuglink=" + quoted(debug_file) + " " + quoted(library));
  return library;
}

TEST(Symbolizer, ExpandsInlinedFunctionsInnermostFirst) {
  expect_chain_of_put(chain_of_put(kSample));
}

TEST(Symbolizer, NamesAFunctionWithItsParametersEvenWhenOnlyTheLinkerKnowsThem) {
  Symbolizer symbolizer;
  const auto frames = symbolizer.resolve(kSample.string(), {}, function_with(kSample, "6hidden").begin);
  ASSERT_TRUE(frames);
  EXPECT_EQ(frames->back().function, "sample::(anonymous namespace)::hidden(int)");
}

TEST(Symbolizer, NamesTemplatesAndPlainC) {
  Symbolizer symbolizer;
  const auto scaled = symbolizer.resolve(kSample.string(), {}, function_with(kSample, "scaledIdE").begin);
  ASSERT_TRUE(scaled);
  EXPECT_EQ(scaled->back().function, "double sample::Box::scaled<double>(double)");
  const auto plain = frames_on_line(symbolizer, kSample, function_with(kSample, "sample_plain"),
                                    line_saying("store in sample_plain"));
  ASSERT_EQ(plain.size(), 1u);
  EXPECT_EQ(plain[0].function, "sample_plain");
}

TEST(Symbolizer, FallsBackToTheSymbolWhenThereIsNoDebugInformation) {
  const Scratch scratch;
  const fs::path library = scratch.path() / "sample.so";
  fs::copy_file(kSample, library);
  output_of("strip --strip-debug " + quoted(library));
  Symbolizer symbolizer;
  const auto frames = symbolizer.resolve(library.string(), {}, function_with(kSample, "6hidden").begin + 1);
  ASSERT_TRUE(frames);
  ASSERT_EQ(frames->size(), 1u);
  EXPECT_EQ(frames->front().function, "sample::(anonymous namespace)::hidden(int)");
  EXPECT_EQ(frames->front().file, "");
  EXPECT_EQ(frames->front().line, 0u);
}

TEST(Symbolizer, FallsBackToTheDynamicSymbolWhenStripped) {
  const Scratch scratch;
  const fs::path library = scratch.path() / "sample.so";
  fs::copy_file(kSample, library);
  output_of("strip " + quoted(library));
  Symbolizer symbolizer;
  const auto put = symbolizer.resolve(library.string(), {}, function_with(kSample, "3Box3put").begin + 1);
  ASSERT_TRUE(put);
  EXPECT_EQ(put->front().function, "sample::Box::put(int)");
  const auto hidden = symbolizer.resolve(library.string(), {}, function_with(kSample, "6hidden").begin + 1);
  ASSERT_FALSE(hidden);
  EXPECT_EQ(hidden.error(), Unresolved::kNotInFunction);
}

TEST(Symbolizer, FollowsTheDebugLinkBesideTheModule) {
  const Scratch scratch;
  expect_chain_of_put(chain_of_put(split_sample(scratch.path(), scratch.path() / "sample.so.debug")));
}

TEST(Symbolizer, FollowsTheDebugLinkIntoTheFolderDotDebug) {
  const Scratch scratch;
  expect_chain_of_put(
      chain_of_put(split_sample(scratch.path(), scratch.path() / ".debug" / "sample.so.debug")));
}

TEST(Symbolizer, ChecksTheCrcOfADebugFileWithoutBuildId) {
  const Scratch scratch;
  const fs::path debug_file = scratch.path() / "sample.so.debug";
  const fs::path library = split_sample(scratch.path(), debug_file, "--remove-section=.note.gnu.build-id");
  expect_chain_of_put(chain_of_put(library));
  std::ofstream(debug_file, std::ios::app) << "changed";
  Symbolizer symbolizer;
  const auto frames = symbolizer.resolve(library.string(), {}, function_with(kSample, "3Box3put").begin);
  ASSERT_TRUE(frames);
  EXPECT_EQ(frames->front().line, 0u) << "lines were taken from a file that does not belong to the module";
}

TEST(Symbolizer, IgnoresADebugFileOfAnotherBuild) {
  const Scratch scratch;
  const fs::path debug_file = scratch.path() / "sample.so.debug";
  const fs::path library = split_sample(scratch.path(), debug_file);
  output_of("objcopy --only-keep-debug " + quoted(fs::read_symlink("/proc/self/exe")) + " " +
            quoted(debug_file));
  Symbolizer symbolizer;
  const auto frames = symbolizer.resolve(library.string(), {}, function_with(kSample, "3Box3put").begin);
  ASSERT_TRUE(frames);
  EXPECT_EQ(frames->front().line, 0u);
}

TEST(Symbolizer, SaysThatTheFileIsOfAnotherBuild) {
  Symbolizer symbolizer;
  auto build_id = build_id_of(kSample);
  ASSERT_EQ(build_id.size(), 20u);
  const uint64_t at = function_with(kSample, "3Box3put").begin;
  EXPECT_TRUE(symbolizer.resolve(kSample.string(), build_id, at));
  build_id[7] ^= 1;
  const auto frames = symbolizer.resolve(kSample.string(), build_id, at);
  ASSERT_FALSE(frames);
  EXPECT_EQ(frames.error(), Unresolved::kOtherBuild);
  EXPECT_EQ(explain(frames.error()), "the file has changed since");
}

TEST(Symbolizer, TakesADeletedModuleOnlyByItsBuildId) {
  Symbolizer symbolizer;
  const std::string deleted = kSample.string() + " (deleted)";
  const uint64_t at = function_with(kSample, "3Box3put").begin;
  EXPECT_TRUE(symbolizer.resolve(deleted, build_id_of(kSample), at));
  const auto unknown = symbolizer.resolve(deleted, {}, at);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error(), Unresolved::kNoFile);
}

TEST(Symbolizer, ReturnsAReasonForWhatIsNoModule) {
  const Scratch scratch;
  std::ofstream(scratch.path() / "text") << "not ELF";
  std::ofstream(scratch.path() / "empty").flush();
  ASSERT_EQ(0, std::system(("mkfifo " + quoted(scratch.path() / "pipe")).c_str()));
  for (const std::string& path : {std::string("[heap]"), std::string(""), std::string("/nowhere/lib.so"),
                                  (scratch.path() / "text").string(), (scratch.path() / "empty").string(),
                                  (scratch.path() / "pipe").string(), scratch.path().string()}) {
    Symbolizer symbolizer;
    const auto frames = symbolizer.resolve(path, {}, 0x1000);
    ASSERT_FALSE(frames) << path;
    EXPECT_EQ(frames.error(), Unresolved::kNoFile) << path;
  }
}

TEST(Symbolizer, SurvivesAFileThatWasCutShortAnywhere) {
  const Scratch scratch;
  std::string bytes;
  {
    std::ifstream file(kSample, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  const SampleSymbol put = function_with(kSample, "3Box3put");
  for (size_t length = 0; length < bytes.size(); length += bytes.size() / 97 + 1) {
    const fs::path library = scratch.path() / ("cut-" + std::to_string(length));
    std::ofstream(library, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(length));
    Symbolizer symbolizer;
    const auto frames = symbolizer.resolve(library.string(), {}, put.begin);
    EXPECT_TRUE(!frames || !frames->empty()) << "cut after " << length;
  }
}

}  // namespace
}  // namespace leakhunt::symbols
