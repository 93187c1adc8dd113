// Reading .eh_frame: the ways to find a description, expressions, and programs that are none.
#include "instrument/unwind/eh_frame.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstring>
#include <random>
#include <vector>

#include "instrument/unwind/cfa_program.h"
#include "instrument/unwind/dwarf_cursor.h"
#include "instrument/unwind/expression.h"

namespace leakhunt::tracker {
namespace {

TEST(DwarfCursor, ReadsNumbersOfEverySize) {
  const uint8_t bytes[] = {0x05, 0xE5, 0x8E, 0x26, 0x7F, 0x80, 0x7F, 0x34, 0x12};
  DwarfCursor cursor(bytes, bytes + sizeof bytes);
  EXPECT_EQ(cursor.uleb(), 5u);
  EXPECT_EQ(cursor.uleb(), 624485u);  // the example of DWARF 5, 7.6
  EXPECT_EQ(cursor.sleb(), -1);
  EXPECT_EQ(cursor.sleb(), -128);
  EXPECT_EQ(cursor.read<uint16_t>(), 0x1234u);
  EXPECT_FALSE(cursor.more());
  EXPECT_FALSE(cursor.failed());
  EXPECT_EQ(cursor.uleb(), 0u);
  EXPECT_TRUE(cursor.failed());
}

TEST(DwarfCursor, NeverPassesItsEnd) {
  const uint8_t bytes[] = {0x80, 0x80, 0x80};
  for (size_t size = 0; size <= sizeof bytes; ++size) {
    DwarfCursor cursor(bytes, bytes + size);
    EXPECT_EQ(cursor.uleb(), 0u);
    EXPECT_TRUE(cursor.failed());
    EXPECT_EQ(cursor.at(), bytes + size);
  }
}

// --- finding a description

TEST(EhFrame, FindsTheFunctionAroundAnAddress) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(&qsort);
  UnwindObject object;
  FrameDescription description;
  ASSERT_TRUE(find_unwind_object(address, &object));
  ASSERT_TRUE(find_frame_description(object, address, &description));
  EXPECT_EQ(description.begin, address);
  EXPECT_GT(description.end, address);
  EXPECT_EQ(description.return_column, kReturnAddress);
  EXPECT_FALSE(description.signal_frame);
}

// The same object with a header that has no table.
TEST(EhFrame, FindsTheSameWithoutATable) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(&qsort);
  UnwindObject object;
  ASSERT_TRUE(find_unwind_object(address, &object));
  DwarfCursor header(object.header + 4, object.header + 8);
  const uint64_t eh_frame = header.pointer(object.header[1], 0);
  uint8_t bare[32] = {1, kPointerUdata8, kPointerOmitted, kPointerOmitted};
  std::memcpy(bare + 4, &eh_frame, sizeof eh_frame);
  UnwindObject without_table = object;
  without_table.header = bare;
  for (uintptr_t at = address; at < address + 3000; at += 97) {
    FrameDescription expected{};
    FrameDescription found{};
    const bool there = find_frame_description(object, at, &expected);
    ASSERT_EQ(find_frame_description(without_table, at, &found), there);
    if (!there) continue;
    EXPECT_EQ(found.begin, expected.begin);
    EXPECT_EQ(found.program, expected.program);
    EXPECT_EQ(found.common_program, expected.common_program);
  }
}

// --- expressions

TEST(Expression, OfAnEntryOfThePltDependsOnTheProgramCounterOnly) {
  // breg7 8; breg16 0; lit15; and; lit11; ge; lit3; shl; plus - as every linker writes it
  const uint8_t plt[] = {11, 0x77, 8, 0x80, 0, 0x3F, 0x1A, 0x3B, 0x2A, 0x33, 0x24, 0x22};
  for (uint64_t pc = 0x1000; pc < 0x1010; ++pc) {
    Term cfa{};
    ASSERT_TRUE(evaluate_expression(plt, {pc, nullptr, nullptr, 0}, nullptr, &cfa));
    EXPECT_EQ(cfa.kind, Term::kRegister);
    EXPECT_EQ(cfa.base, kRsp);
    EXPECT_EQ(cfa.offset, pc % 16 >= 11 ? 16 : 8);
  }
}

TEST(Expression, OfARealignedFunctionIsAWordOfTheStack) {
  const uint8_t realigned[] = {3, 0x76, 0x78, 0x06};  // breg6 -8; deref
  Term cfa{};
  ASSERT_TRUE(evaluate_expression(realigned, {0, nullptr, nullptr, 0}, nullptr, &cfa));
  EXPECT_EQ(cfa.kind, Term::kLoaded);
  EXPECT_EQ(cfa.base, kRbp);
  EXPECT_EQ(cfa.offset, -8);
  EXPECT_EQ(cfa.added, 0);
}

TEST(Expression, ThatIsTooDeepOrUnknownIsRefused) {
  Term term{};
  const uint8_t unknown[] = {1, 0xFF};
  const uint8_t empty[] = {0};
  const uint8_t twice_loaded[] = {4, 0x76, 0x78, 0x06, 0x06};
  uint8_t deep[33] = {32};
  std::memset(deep + 1, 0x30, 32);  // lit0
  for (const uint8_t* expression : {unknown, empty, twice_loaded, static_cast<const uint8_t*>(deep)}) {
    EXPECT_FALSE(evaluate_expression(expression, {0, nullptr, nullptr, 0}, nullptr, &term));
  }
}

// --- rubbish

TEST(CfaProgram, OfRandomBytesIsSurvived) {
  constexpr unsigned kSeed = 7;
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 100'000; ++round) {
    std::vector<uint8_t> bytes(1 + random() % 40);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    FrameDescription description{};
    description.end = 4096;
    description.common_program = bytes.data();
    description.common_program_end = bytes.data() + bytes.size() / 2;
    description.program = description.common_program_end;
    description.program_end = bytes.data() + bytes.size();
    description.code_alignment = 1;
    description.data_alignment = -8;
    description.return_column = kReturnAddress;
    CfaRow row;
    run_cfa_program(description, random() % 4096, &row);
    ASSERT_LT(row.cfa_register, kRegisters) << "seed " << kSeed << " round " << round;
  }
}

TEST(Expression, OfRandomBytesIsSurvived) {
  constexpr unsigned kSeed = 8;
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 100'000; ++round) {
    uint8_t bytes[24];
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    bytes[0] = static_cast<uint8_t>(sizeof bytes - 1);
    Term term{};
    evaluate_expression(bytes, {random(), nullptr, nullptr, 0}, nullptr, &term);
  }
}

}  // namespace
}  // namespace leakhunt::tracker
