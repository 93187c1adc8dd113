#include "lib/machine_code/displacement.h"

#include <fmt/format.h>

#include "lib/machine_code/instruction.h"

namespace leakhunt::machine_code {

namespace {

using Refusal = tl::unexpected<std::string>;
using Code = std::span<const uint8_t>;

std::string bytes_text(Code code) {
  std::string text;
  for (const uint8_t byte : code.first(std::min<size_t>(code.size(), 8)))
    text += fmt::format(" {:02x}", byte);
  return text.empty() ? " nothing" : text;
}

std::string not_known(Code function, size_t at) {
  return fmt::format("the instruction at +{:#x} of it is not known ({} ...)", at,
                     bytes_text(function.subspan(at)).substr(1));
}

class Moved {
 public:
  Moved(Displacement& result, uint64_t base) : result_(result), base_(base) {}

  // `at`: the offset of the instruction in the function. Its own bytes, or what does the same from anywhere.
  tl::expected<void, std::string> add(const Instruction& instruction, Code bytes, size_t at) {
    const uint64_t here = base_ + at;
    const uint64_t target = here + static_cast<uint64_t>(instruction.target);
    switch (instruction.flow) {
      case Flow::kJump:
        put({0xE9}, target);
        return {};
      case Flow::kConditional:
        put({0x0F, static_cast<uint8_t>(0x80 | (instruction.opcode & 0x0F))}, target);
        return {};
      case Flow::kCall:
        // The way back is to where it was, so that nobody who walks the stack ever meets the moved code.
        push_address(here + instruction.length);
        put({0xE9}, target);
        return {};
      case Flow::kIndirectCall:
      case Flow::kShortLoop:
      case Flow::kTransaction:
        return Refusal(fmt::format("its instruction at +{:#x} cannot be moved", at));
      case Flow::kNext:
      case Flow::kIndirectJump:
      case Flow::kReturn:
      case Flow::kStop:
        copy(instruction, bytes, here);
        return {};
    }
    return {};
  }

  void go_back(size_t at) { put({0xE9}, base_ + at); }

  // Addresses that the code pushes: behind it, where nothing runs.
  void finish() {
    for (const auto& [field, address] : pushed_) {
      const size_t literal = result_.code.size();
      const auto distance = static_cast<uint32_t>(literal - field - 4);
      for (size_t i = 0; i < 4; ++i) result_.code[field + i] = static_cast<uint8_t>(distance >> (8 * i));
      result_.code.insert(result_.code.end(), 8, 0);
      result_.fixups.push_back({literal, true, address});
    }
  }

 private:
  void put(std::initializer_list<uint8_t> opcode, uint64_t target) {
    result_.code.insert(result_.code.end(), opcode);
    // The processor counts from behind the field.
    result_.fixups.push_back({result_.code.size(), false, target - 4});
    result_.code.insert(result_.code.end(), 4, 0);
  }

  // push [rip + distance to the literal]: changes neither a register nor a flag.
  void push_address(uint64_t address) {
    result_.code.insert(result_.code.end(), {0xFF, 0x35});
    pushed_.emplace_back(result_.code.size(), address);
    result_.code.insert(result_.code.end(), 4, 0);
  }

  void copy(const Instruction& instruction, Code bytes, uint64_t here) {
    const size_t begin = result_.code.size();
    result_.code.insert(result_.code.end(), bytes.begin(), bytes.end());
    const size_t field = instruction.displacement_at;
    if (field == 0) return;
    int32_t displacement = 0;
    for (size_t i = 0; i < 4; ++i)
      displacement |= static_cast<int32_t>(uint32_t{bytes[field + i]} << (8 * i));
    const uint64_t target = here + instruction.length + static_cast<uint64_t>(int64_t{displacement});
    result_.fixups.push_back({begin + field, false, target - (instruction.length - field)});
  }

  Displacement& result_;
  uint64_t base_;
  std::vector<std::pair<size_t, uint64_t>> pushed_;
};

// Whether `at` ... `end` are padding, in the function or behind it.
bool is_padding(Code function, Code behind, size_t at, size_t end) {
  while (at < end) {
    const bool inside = at < function.size();
    const size_t outside = inside ? 0 : at - function.size();
    if (!inside && outside >= behind.size()) return false;
    const auto instruction = decode(inside ? function.subspan(at) : behind.subspan(outside));
    if (!instruction || !instruction->is_padding) return false;
    at += instruction->length;
  }
  return true;
}

// Every instruction of the function is known, and none but a call of itself goes to what is covered.
tl::expected<void, std::string> check_jumps(Code function, size_t covered_end) {
  for (size_t at = 0; at < function.size();) {
    const auto instruction = decode(function.subspan(at));
    if (!instruction) return Refusal(not_known(function, at));
    const int64_t target = static_cast<int64_t>(at) + instruction->target;
    const bool is_recursion = instruction->flow == Flow::kCall && target == 0;
    if (instruction->is_relative() && !is_recursion && target >= 0 &&
        target < static_cast<int64_t>(covered_end)) {
      return Refusal(
          fmt::format("a jump at +{:#x} of it goes to its first instructions (a loop begins there)", at));
    }
    at += instruction->length;
  }
  return {};
}

}  // namespace

tl::expected<Displacement, std::string> displace(Code function, Code behind, uint64_t address) {
  const auto first = decode(function);
  const size_t begin = first && first->is_landing_pad ? first->length : 0;
  Displacement result;
  result.address = address + begin;
  Moved moved(result, address);
  size_t at = begin;
  bool ends = false;
  while (at < begin + kJumpBytes && !ends) {
    if (at >= function.size()) return Refusal("it is too short for a jump");
    const auto instruction = decode(function.subspan(at));
    if (!instruction) return Refusal(not_known(function, at));
    const size_t left = function.size() - at;
    if (instruction->length > left) return Refusal(not_known(function, at));
    const auto added = moved.add(*instruction, function.subspan(at, instruction->length), at);
    if (!added) return Refusal(added.error());
    at += instruction->length;
    // A call comes back to what follows it: that must stay where it is.
    if (instruction->flow == Flow::kCall && at < begin + kJumpBytes) {
      return Refusal(fmt::format("the call at +{:#x} of it cannot be moved", at - instruction->length));
    }
    ends = instruction->ends_here() || instruction->flow == Flow::kCall;
  }
  if (!ends) moved.go_back(at);
  moved.finish();
  const size_t end = std::max(at, begin + kJumpBytes);
  if (!is_padding(function, behind, at, end)) return Refusal("it is too short for a jump");
  if (const auto jumps = check_jumps(function, end); !jumps) return Refusal(jumps.error());
  for (size_t i = begin; i < end; ++i)
    result.covered.push_back(i < function.size() ? function[i] : behind[i - function.size()]);
  return result;
}

}  // namespace leakhunt::machine_code
