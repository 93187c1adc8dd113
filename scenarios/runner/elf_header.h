// elf_header: what the loader would read of an ELF file before it runs it. Nothing of the file is trusted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace leakhunt::runner {

struct ElfHeader {
  bool is_64_bit = false;
  uint16_t type = 0;                // ET_EXEC, ET_DYN, ...
  uint16_t machine = 0;             // EM_X86_64, ...
  std::string interpreter;          // of PT_INTERP; empty: statically linked (or a library)
  std::vector<std::string> needed;  // names of DT_NEEDED
};

// Absent when the file is not ELF, or its headers point outside it. Of a 32-bit or foreign file only the
// first three members are filled in.
std::optional<ElfHeader> read_elf_header(const std::filesystem::path& file);

}  // namespace leakhunt::runner
