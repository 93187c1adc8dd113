// functions: the functions that a module defines, by name, and their code. For whoever wants to find one
// before the program runs; addresses to names is the symbolizer's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/symbols/elf_file.h"

namespace leakhunt::symbols {

struct Function {
  std::string name;  // as linked, without a version
  uint64_t address = 0;
  uint64_t size = 0;            // 0: the symbol does not say
  bool chosen_at_load = false;  // the address is that of code that chooses the function (STT_GNU_IFUNC)
};

// Of .symtab, .dynsym, and the .symtab of split debug information; sorted by address, then name. A name that
// is only kept for old programs (memcpy@GLIBC_2.2.5) is left out.
std::vector<Function> functions_of(const ElfFile& file);

// Bytes of the file as they will be loaded at `address`; fewer where the segment's content ends.
std::vector<uint8_t> code_at(const ElfFile& file, uint64_t address, uint64_t bytes);

// Does a name of the source mean this function? "json::parse" and "json::parse(char const*)" mean
// _ZN4json5parseEPKc, and so does that name itself. Rust's hash at the end may be left out.
bool is_called(const Function& function, std::string_view name);

}  // namespace leakhunt::symbols
