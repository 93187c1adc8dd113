// displacement: the first instructions of a function, rewritten to run at another address, so that a jump can
// stand in their place.
//
//   function   [endbr64] instruction instruction ... | rest          five bytes or more are covered
//   elsewhere            the same, with every address that was relative to them put right; jump to rest
//
// Refused is what cannot be proven harmless: an instruction that is not known, anywhere in the function; one
// that cannot be moved; a jump from the function into what is covered, or to its entry (a loop would count as
// entries); a function that is shorter than the jump.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace leakhunt::machine_code {

inline constexpr size_t kJumpBytes = 5;  // jmp rel32

// A field of the moved code that depends on where it will stand.
struct Fixup {
  size_t at = 0;          // its offset in Displacement::code
  bool absolute = false;  // eight bytes: the address. Otherwise four: `target` minus the field's own address
  uint64_t target = 0;    // an address in the function's file
};

struct Displacement {
  uint64_t address = 0;          // where the jump will stand: behind an endbr64
  std::vector<uint8_t> covered;  // what stands there now; the jump needs the first five of them
  std::vector<uint8_t> code;     // to run instead, ends with the way back
  std::vector<Fixup> fixups;
};

// `function` are all bytes of it, at `address` of its file; `behind` what follows it, up to where the next
// function may begin. The error is a phrase: "its first instructions hold a loop".
tl::expected<Displacement, std::string> displace(std::span<const uint8_t> function,
                                                 std::span<const uint8_t> behind, uint64_t address);

}  // namespace leakhunt::machine_code
