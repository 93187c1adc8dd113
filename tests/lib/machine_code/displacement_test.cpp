#include "lib/machine_code/displacement.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace leakhunt::machine_code {
namespace {

using Code = std::vector<uint8_t>;

TEST(Displacement, CoversWholeInstructionsAndGoesBackBehindThem) {
  // push rbp; mov rbp, rsp; sub rsp, 16; ret
  const Code function{0x55, 0x48, 0x89, 0xE5, 0x48, 0x83, 0xEC, 0x10, 0xC3};
  const auto moved = displace(function, {}, 0x1000);
  ASSERT_TRUE(moved.has_value()) << moved.error();
  EXPECT_EQ(moved->address, 0x1000u);
  EXPECT_EQ(moved->covered, Code(function.begin(), function.begin() + 8));
  EXPECT_EQ(moved->code, (Code{0x55, 0x48, 0x89, 0xE5, 0x48, 0x83, 0xEC, 0x10, 0xE9, 0, 0, 0, 0}));
  ASSERT_EQ(moved->fixups.size(), 1u);
  EXPECT_EQ(moved->fixups[0].at, 9u);
  EXPECT_EQ(moved->fixups[0].target, 0x1008u - 4);
}

TEST(Displacement, LeavesALandingPadWhereItIs) {
  const Code function{0xF3, 0x0F, 0x1E, 0xFA, 0x31, 0xC0, 0x48, 0x89, 0xF8, 0xC3};
  const auto moved = displace(function, {}, 0x2000);
  ASSERT_TRUE(moved.has_value()) << moved.error();
  EXPECT_EQ(moved->address, 0x2004u);
  EXPECT_EQ(moved->covered.size(), 5u);
}

TEST(Displacement, KeepsTheAddressesThatWereRelative) {
  // cmp byte [rip + 0x10], 1; je +2 ... : the field counts from the end of its instruction, behind an
  // immediate
  const Code function{0x80, 0x3D, 0x10, 0, 0, 0, 0x01, 0x74, 0x00, 0xC3};
  const auto moved = displace(function, {}, 0x3000);
  ASSERT_TRUE(moved.has_value()) << moved.error();
  ASSERT_EQ(moved->fixups.size(), 2u);
  EXPECT_EQ(moved->fixups[0].at, 2u);
  EXPECT_EQ(moved->fixups[0].target + 5, 0x3000u + 7 + 0x10);
}

TEST(Displacement, ACallComesBackToWhereItWas) {
  // sub rsp, 8; call +0; add rsp, 8; ret
  const Code function{0x48, 0x83, 0xEC, 0x08, 0xE8, 0, 0x10, 0, 0, 0x48, 0x83, 0xC4, 0x08, 0xC3};
  const auto moved = displace(function, {}, 0x4000);
  ASSERT_TRUE(moved.has_value()) << moved.error();
  ASSERT_EQ(moved->fixups.size(), 2u);
  EXPECT_EQ(moved->fixups[0].target, 0x4009u + 0x1000 - 4);
  EXPECT_TRUE(moved->fixups[1].absolute);
  EXPECT_EQ(moved->fixups[1].target, 0x4009u);
}

TEST(Displacement, TakesAShortFunctionWithThePaddingBehindIt) {
  const Code padding{0x66, 0x0F, 0x1F, 0x44, 0x00, 0x00};
  EXPECT_TRUE(displace(Code{0xC3}, padding, 0x5000).has_value());
  EXPECT_TRUE(displace(Code{0x31, 0xC0, 0xC3}, Code{0xCC, 0xCC}, 0x5000).has_value());
}

TEST(Displacement, RefusesWhatItCannotProve) {
  struct Case {
    const char* what;
    Code function;
    Code behind;
    const char* why;
  };
  const Case cases[] = {
      {"shorter than the jump", {0xC3}, {0x55, 0x48, 0x89, 0xE5}, "it is too short for a jump"},
      {"falls off its end", {0x31, 0xC0}, {0x90, 0x90, 0x90}, "it is too short for a jump"},
      {"an instruction of no manual", {0x55, 0x06, 0, 0, 0, 0}, {}, "at +0x1 of it is not known (06 00"},
      {"the same, far behind", {0x55, 0x48, 0x89, 0xE5, 0x50, 0x58, 0x06}, {}, "at +0x6 of it is not known"},
      {"jrcxz", {0xE3, 0x03, 0x31, 0xC0, 0x90, 0x90, 0xC3}, {}, "at +0x0 cannot be moved"},
      {"an indirect call", {0xFF, 0xD0, 0x90, 0x90, 0x90, 0xC3}, {}, "at +0x0 cannot be moved"},
      // f: inc rdi; cmp byte [rdi], 0; jne f; ret
      {"a loop that begins at the entry",
       {0x48, 0xFF, 0xC7, 0x80, 0x3F, 0x00, 0x75, 0xF8, 0xC3},
       {},
       "a jump at +0x6 of it goes to its first instructions"},
      // xor eax, eax; L: inc eax; dec edi; jne L; ret
      {"a loop that begins behind it",
       {0x31, 0xC0, 0xFF, 0xC0, 0xFF, 0xCF, 0x75, 0xFA, 0xC3},
       {},
       "a jump at +0x6 of it goes to its first instructions"},
  };
  for (const Case& c : cases) {
    const auto moved = displace(c.function, c.behind, 0x6000);
    ASSERT_FALSE(moved.has_value()) << c.what;
    EXPECT_NE(moved.error().find(c.why), std::string::npos) << c.what << ": " << moved.error();
  }
}

TEST(Displacement, ACallOfItselfIsNoLoop) {
  // push rbx; mov rbx, rdi; nop; call f; pop rbx; ret
  const Code function{0x53, 0x48, 0x89, 0xFB, 0x90, 0xE8, 0xF6, 0xFF, 0xFF, 0xFF, 0x5B, 0xC3};
  EXPECT_TRUE(displace(function, {}, 0x7000).has_value());
}

}  // namespace
}  // namespace leakhunt::machine_code
