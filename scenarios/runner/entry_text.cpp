#include "scenarios/runner/entry_text.h"

#include <sys/stat.h>

#include <vector>

#include <fmt/format.h>

#include "lib/machine_code/displacement.h"

namespace leakhunt::runner {

namespace fs = std::filesystem;

namespace {

using symbols::ElfFile;
using symbols::Function;
using Refusal = tl::unexpected<std::string>;

std::string hex_of(const std::vector<uint8_t>& bytes) {
  std::string text;
  for (const uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

std::string text_of(const machine_code::Displacement& moved, const struct stat& file) {
  std::string fixups;
  for (const machine_code::Fixup& fixup : moved.fixups)
    fixups += fmt::format("{}{:x}:{:x},", fixup.absolute ? 'a' : 'r', fixup.at, fixup.target);
  return fmt::format("{:x} {:x} {:x} {} {} {}", file.st_dev, file.st_ino, moved.address,
                     hex_of(moved.covered), hex_of(moved.code), fixups.empty() ? "-" : fixups);
}

// Up to where the next function may begin: compilers align them to 16.
uint64_t end_of_padding(uint64_t end) {
  return (end + 15) / 16 * 16;
}

}  // namespace

tl::expected<std::string, std::string> entry_text(const fs::path& path, const Function& function) {
  struct stat status {};
  const auto file = ElfFile::open(path.string());
  if (!file || stat(path.c_str(), &status) != 0) return Refusal("its file cannot be read");
  if (function.chosen_at_load)
    return Refusal("it is chosen among several when the program starts; name the one that is used");
  if (function.size == 0) return Refusal("its symbol does not say how long it is");
  const uint64_t end = function.address + function.size;
  const auto code = symbols::code_at(*file, function.address, function.size);
  if (code.size() != function.size) return Refusal("its code is not in the file");
  const auto behind = symbols::code_at(*file, end, end_of_padding(end) - end);
  const auto moved = machine_code::displace(code, behind, function.address);
  if (!moved) return Refusal(moved.error());
  return text_of(*moved, status);
}

std::string entry_text(const fs::path& path, std::string_view linked_name) {
  const auto file = ElfFile::open(path.string());
  if (!file) return {};
  for (const Function& function : symbols::functions_of(*file)) {
    if (function.name == linked_name) return entry_text(path, function).value_or("");
  }
  return {};
}

}  // namespace leakhunt::runner
