// symbol_table: functions by address, from .symtab or .dynsym. What is left when there is no debug
// information.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/symbols/elf_file.h"

namespace leakhunt::symbols {

class SymbolTable {
 public:
  // Adds the functions of the file's .symtab and .dynsym. The names stay in the file's mapping: it must
  // outlive us.
  void add(const ElfFile& file);
  // After the last add(). Of several names for one address keeps the one a person would use.
  void finish();

  // The name of the function around `address`, as linked (mangled); empty when there is none. O(log n).
  std::string_view find(uint64_t address) const;
  bool empty() const { return symbols_.empty(); }

 private:
  struct Symbol {
    uint64_t begin = 0;
    uint64_t end = 0;  // begin: the size is not known; up to the next symbol of its section
    uint32_t section = 0;
    bool local = false;
    std::string_view name;
  };

  std::vector<Symbol> symbols_;  // sorted by begin, after finish()
};

// "foo(int)" of "_Z3fooi" (C++), "foo::bar" of "_RNvC3foo3bar" and "_ZN3foo3bar17h<hash>E" (Rust); other
// names as they are. A version ("@GLIBC_2.2.5") is cut off.
std::string demangle(std::string_view linkage_name);

}  // namespace leakhunt::symbols
