// Lengths and targets of instructions: by hand where they are odd, and against objdump over whole libraries.
#include "lib/machine_code/instruction.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace leakhunt::machine_code {
namespace {

std::vector<uint8_t> bytes_of(const std::string& hex) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i + 1 < hex.size() && hex[i] != ' '; i += 3)
    bytes.push_back(static_cast<uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

TEST(Instruction, HasTheLengthThatItsEncodingSays) {
  struct Case {
    const char* hex;
    size_t length;
  };
  for (const Case& c : {Case{"f3 0f 1e fa", 4},                           // endbr64
                        Case{"55 48", 1},                                 // push rbp
                        Case{"48 b8 01 02 03 04 05 06 07 08", 10},        // movabs
                        Case{"66 b8 01 02", 4},                           // mov ax, imm16
                        Case{"f6 05 01 02 03 04 05", 7},                  // test byte [rip], imm8
                        Case{"f7 d8", 2},                                 // neg eax
                        Case{"48 a1 01 02 03 04 05 06 07 08", 10},        // mov rax, [moffs64]
                        Case{"c8 10 00 00", 4},                           // enter
                        Case{"66 0f 3a 0f c1 08", 6},                     // palignr
                        Case{"c5 f8 77", 3},                              // vzeroupper
                        Case{"c4 e3 7d 39 c1 01", 6},                     // vextracti128
                        Case{"62 f1 7c 48 10 44 24 01", 8},               // vmovups zmm, disp8*64
                        Case{"66 66 48 e8 00 00 00 00", 8},               // call, as for thread-local storage
                        Case{"66 66 2e 0f 1f 84 00 00 00 00 00", 11}}) {  // nop
    const auto instruction = decode(bytes_of(c.hex));
    ASSERT_TRUE(instruction.has_value()) << c.hex;
    EXPECT_EQ(instruction->length, c.length) << c.hex;
  }
}

TEST(Instruction, IsNoneWhenItIsCutOffOrUndefined) {
  for (const char* hex : {"", "48", "e8 00 00 00", "06", "0f 0f c1 9e", "8f e8 78 c0 c1 01",
                          "66 e8 00 00 00 00", "67 48 8b 05 00 00 00 00", "ff f8", "62 f9 7c 48 10 00"}) {
    EXPECT_FALSE(decode(bytes_of(hex)).has_value()) << hex;
  }
}

TEST(Instruction, KnowsWhereItGoesAndWhatIsRelative) {
  const auto call = decode(bytes_of("e8 fb ff ff ff"));
  ASSERT_TRUE(call.has_value());
  EXPECT_EQ(call->flow, Flow::kCall);
  EXPECT_EQ(call->target, 0);
  const auto jump = decode(bytes_of("74 10"));
  ASSERT_TRUE(jump.has_value());
  EXPECT_EQ(jump->flow, Flow::kConditional);
  EXPECT_EQ(jump->target, 0x12);
  const auto loads = decode(bytes_of("48 83 3d 01 02 03 04 05"));  // cmp qword [rip], imm8
  ASSERT_TRUE(loads.has_value());
  EXPECT_EQ(loads->displacement_at, 3);
  EXPECT_EQ(loads->length, 8);
  EXPECT_TRUE(decode(bytes_of("f3 0f 1e fa"))->is_landing_pad);
  EXPECT_EQ(decode(bytes_of("c3"))->flow, Flow::kReturn);
  EXPECT_EQ(decode(bytes_of("ff 25 00 00 00 00"))->flow, Flow::kIndirectJump);
}

// One line of objdump -d --insn-width=16: "    1060:\t48 83 ec 08 \tsub    $0x8,%rsp".
struct Line {
  uint64_t address = 0;
  std::vector<uint8_t> bytes;
  std::string text;
};

std::optional<Line> parse(const std::string& text) {
  const size_t colon = text.find(":\t");
  const size_t tab = colon == std::string::npos ? colon : text.find('\t', colon + 2);
  if (tab == std::string::npos || text[0] != ' ') return std::nullopt;
  Line line;
  line.address = std::stoull(text.substr(0, colon), nullptr, 16);
  std::string hex = text.substr(colon + 2, tab - colon - 2);
  line.bytes = bytes_of(hex);
  line.text = text.substr(tab + 1);
  return line;
}

// The number behind "call 1234 <f>"; nothing where the operand is none.
std::optional<uint64_t> target_of(const Line& line) {
  const size_t name = line.text.find(" <");
  if (name == std::string::npos || line.text.find('#') != std::string::npos) return std::nullopt;
  const size_t begin = line.text.rfind(' ', name - 1);
  if (begin == std::string::npos) return std::nullopt;
  return std::stoull(line.text.substr(begin + 1, name - begin - 1), nullptr, 16);
}

class AgainstObjdump : public testing::TestWithParam<const char*> {};

TEST_P(AgainstObjdump, EveryLengthAndEveryTargetIsTheSame) {
  const std::string file = GetParam();
  if (!std::ifstream(file)) GTEST_SKIP() << file << " is not on this machine";
  FILE* pipe = popen(("objdump -d --insn-width=16 -j .text " + file + " 2>/dev/null").c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  size_t compared = 0;
  size_t unknown = 0;
  size_t wrong = 0;
  char buffer[4096];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) {
    const auto line = parse(std::string(buffer));
    if (!line || line->text.find("(bad)") != std::string::npos || line->text[0] == '.') continue;
    // A prefix that belongs to nothing is an instruction for objdump.
    const auto instruction = decode(line->bytes);
    ++compared;
    if (!instruction) {
      if (++unknown <= 5) std::printf("not known: %s", buffer);
      continue;
    }
    const auto target = target_of(*line);
    const bool same_target = !target || !instruction->is_relative() ||
                             line->address + static_cast<uint64_t>(instruction->target) == *target;
    if (instruction->length != line->bytes.size() || !same_target) {
      if (++wrong <= 20) ADD_FAILURE() << buffer << "length " << int{instruction->length};
    }
  }
  const int status = pclose(pipe);
  if (compared == 0 && status != 0) GTEST_SKIP() << "objdump is missing (package binutils)";
  EXPECT_GT(compared, 10'000u);
  EXPECT_EQ(wrong, 0u);
  EXPECT_LE(unknown * 10'000, compared);  // refused, which is right but helps nobody
}

INSTANTIATE_TEST_SUITE_P(Instruction, AgainstObjdump,
                         testing::Values("/lib/x86_64-linux-gnu/libc.so.6",
                                         "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
                                         "/usr/lib/x86_64-linux-gnu/libsqlite3.so.0", "/usr/bin/python3"));

}  // namespace
}  // namespace leakhunt::machine_code
