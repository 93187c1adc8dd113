#include "scenarios/runner/iteration_symbol.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "scenarios/runner/needed_libraries.h"
#include "tests/scenarios/runner/scratch_directory.h"

namespace leakhunt::runner {
namespace {

namespace fs = std::filesystem;

std::string error_of(const std::string& symbol) {
  const auto found = find_iteration_symbol(LEAKHUNT_STEPS, symbol);
  return found ? "found" : found.error();
}

TEST(ProgramFiles, AreTheExecutableItsLoaderAndItsLibraries) {
  const ProgramFiles files = files_of(LEAKHUNT_STEPS);
  EXPECT_EQ(files.executable, LEAKHUNT_STEPS);
  EXPECT_EQ(files.loader, "/lib64/ld-linux-x86-64.so.2");
  ASSERT_EQ(files.libraries.size(), 1u);
  EXPECT_EQ(files.libraries[0].filename(), "libc.so.6");
  EXPECT_EQ(find_library("libc.so.6", files), files.libraries[0]);
  EXPECT_EQ(find_library("libnowhere.so", files), fs::path());
}

TEST(ProgramFiles, OfAScriptAreThoseOfItsInterpreter) {
  const ScratchDirectory scratch;
  EXPECT_EQ(files_of(scratch.write("a", "#!/bin/sh\n", 0755)).executable, "/bin/sh");
  EXPECT_EQ(files_of(scratch.write("b", "#!/usr/bin/env sh\n", 0755)).executable.filename(), "sh");
}

TEST(IterationSymbol, IsFoundInTheProgramAndInItsLibraries) {
  for (const char* symbol : {"main", "qsort", "libc.so.6:qsort", "/lib/x86_64-linux-gnu/libc.so.6:qsort"}) {
    const auto found = find_iteration_symbol(LEAKHUNT_STEPS, symbol);
    ASSERT_TRUE(found.has_value()) << found.error();
    EXPECT_FALSE(found->function.empty());
    EXPECT_FALSE(found->loader.empty());  // glibc's _dl_debug_state
  }
}

TEST(IterationSymbol, ThatIsNotThereIsAnErrorWithWhatIsNear) {
  EXPECT_TRUE(
      error_of("mian").ends_with("and the libraries it needs have no symbol of such a function (did you mean "
                                 "main?)"))
      << error_of("mian");
  EXPECT_NE(error_of("qsort_").find("near it are "), std::string::npos) << error_of("qsort_");
  EXPECT_NE(error_of("libnowhere.so:f").find("in no usual folder; write its path"), std::string::npos);
}

TEST(IterationSymbol, WhoseEntryCannotBeWatchedIsAnErrorThatSaysWhy) {
  EXPECT_NE(error_of("strlen").find("chosen among several"), std::string::npos) << error_of("strlen");
}

}  // namespace
}  // namespace leakhunt::runner
