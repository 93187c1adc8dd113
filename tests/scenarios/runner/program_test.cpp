#include "scenarios/runner/program.h"

#include <elf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <random>

#include "scenarios/runner/elf_header.h"
#include "tests/scenarios/runner/scratch_directory.h"

namespace leakhunt::runner {
namespace {

namespace fs = std::filesystem;

std::string why_not(const fs::path& program) {
  const auto kind = inspect_program(program);
  return kind ? "" : kind.error();
}

void expect_refused(const fs::path& program, const std::string& because) {
  EXPECT_NE(why_not(program).find(because), std::string::npos)
      << program << ": \"" << why_not(program) << "\" instead of \"" << because << "\"";
}

TEST(Program, ADynamicProgramAndAScriptAreFine) {
  const ScratchDirectory scratch;
  EXPECT_EQ(why_not("/bin/sh"), "");
  const auto script = scratch.write("script", "#! /bin/sh -e\necho\n", 0755);
  const auto kind = inspect_program(script);
  ASSERT_TRUE(kind.has_value()) << kind.error();
  EXPECT_TRUE(kind->is_script);
  EXPECT_FALSE(kind->needs_tracker);
}

TEST(Program, WhatCannotBeStartedIsSaidSo) {
  const ScratchDirectory scratch;
  expect_refused(scratch.path() / "absent", "is not there");
  expect_refused(scratch.path(), "is a directory");
  expect_refused(scratch.write("plain", "#!/bin/sh\n", 0644), "chmod +x");
  expect_refused(scratch.write("text", "echo hello\n", 0755), "neither an ELF program nor a script");
  expect_refused(scratch.write("empty", "", 0755), "neither an ELF program nor a script");
  expect_refused(scratch.write("orphan", "#!/no/such/shell\n", 0755),
                 "its interpreter \"/no/such/shell\" is not there");
  expect_refused(scratch.write("bare", "#!\n", 0755), "its interpreter \"\" is not there");
}

TEST(Program, AStaticProgramCannotBeTracked) {
  expect_refused(LEAKHUNT_STATIC_PROGRAM, "is statically linked");
  const ScratchDirectory scratch;
  expect_refused(scratch.write("script", std::string("#!") + LEAKHUNT_STATIC_PROGRAM + "\n", 0755),
                 "its interpreter " LEAKHUNT_STATIC_PROGRAM " is statically linked");
}

// A real program with one field of its header changed.
class ForeignProgram : public testing::Test {
 protected:
  fs::path with_byte(size_t offset, char value) {
    std::string bytes = content_of("/bin/true");
    bytes[offset] = value;
    return scratch_.write("foreign", bytes, 0755);
  }
  ScratchDirectory scratch_;
};

TEST_F(ForeignProgram, OfThirtyTwoBits) {
  expect_refused(with_byte(EI_CLASS, ELFCLASS32), "is a 32-bit program");
}
TEST_F(ForeignProgram, OfAnotherMachine) {
  expect_refused(with_byte(offsetof(Elf64_Ehdr, e_machine), static_cast<char>(EM_S390)),
                 "another kind of machine");
}
TEST_F(ForeignProgram, AnObjectFile) {
  expect_refused(with_byte(offsetof(Elf64_Ehdr, e_type), ET_REL), "ELF but no program");
}

TEST_F(ForeignProgram, DamagedHeadersAreReadWithoutHarm) {
  const std::string bytes = content_of("/bin/true");
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    std::string damaged = bytes.substr(0, round % 3 == 0 ? random() % bytes.size() : bytes.size());
    for (int i = 0; i < 20 && !damaged.empty(); ++i) {
      damaged[random() % std::min<size_t>(damaged.size(), 1024)] = static_cast<char>(random());
    }
    read_elf_header(scratch_.write("damaged", damaged, 0755));
  }
}

TEST(Program, AProgramThatGainsPrivilegesIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make a setuid program of somebody else";
  const ScratchDirectory scratch;
  const auto program = scratch.write("setuid", content_of("/bin/true"), 0755);
  ASSERT_EQ(chown(program.c_str(), 65534, 65534), 0);
  ASSERT_EQ(chmod(program.c_str(), 04755), 0);
  expect_refused(program, "gains privileges");
}

TEST(Program, AnInstrumentedBuildNeedsNoPreload) {
  const auto kind = inspect_program(LEAKHUNT_LINKED_PROGRAM);
  ASSERT_TRUE(kind.has_value()) << kind.error();
  EXPECT_TRUE(kind->needs_tracker);
}

TEST(Program, IsFoundAsAShellFindsIt) {
  EXPECT_TRUE(find_program("sh", {}).has_value());
  EXPECT_EQ(find_program("no_such_program", {}).error(), "the program no_such_program was not found on PATH");
  EXPECT_EQ(find_program("./no_such_program", {}).error(), "the program ./no_such_program is not there");
}

}  // namespace
}  // namespace leakhunt::runner
