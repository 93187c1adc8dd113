// split_package: a .dwp file, into which the .dwo files of a program were packed (DWARF 5, 7.3.5 and Appendix
// F; GNU's form of it for DWARF 4). libdw 0.188 does not read them, so a unit is taken out as the .dwo file
// that it was.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/symbols/elf_file.h"

namespace leakhunt::symbols {

class SplitPackage {
 public:
  // Nothing when there is no such file, or it has no index of units that is understood.
  static std::optional<SplitPackage> open(const std::string& path);

  // What the program itself holds for a unit, from where the unit's own part begins.
  struct InProgram {
    std::span<const char> addresses;  // .debug_addr
    std::span<const char> ranges;     // .debug_ranges, up to DWARF 4
  };
  // The unit with this id (DW_AT_dwo_id), as an ELF file with sections like those of a program; nothing when
  // it is not in the package.
  std::optional<ElfFile> unit(uint64_t id, const InProgram& program) const;

 private:
  // Those that are needed here, of DW_SECT_*.
  enum Part { kInfo, kAbbreviations, kLine, kStringOffsets, kRangeLists, kParts };
  using Unit = std::array<std::span<const char>, kParts>;

  explicit SplitPackage(ElfFile file) : file_(std::move(file)) {}
  bool read_index();

  ElfFile file_;
  uint32_t version_ = 0;  // of the index: 5, or 2 for GNU's
  std::unordered_map<uint64_t, Unit> units_;
};

}  // namespace leakhunt::symbols
