#include "lib/symbols/symbol_table.h"

#include <cxxabi.h>
#include <libiberty/demangle.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <tuple>

namespace leakhunt::symbols {
namespace {

std::string_view without_version(std::string_view name) {
  return name.substr(0, name.find('@'));
}

// malloc, rather than __libc_malloc, which is the same function.
size_t leading_underscores(std::string_view name) {
  return std::min(name.find_first_not_of('_'), name.size());
}

bool is_function(const GElf_Sym& symbol) {
  const int type = GELF_ST_TYPE(symbol.st_info);
  // Functions written in assembly often carry no type; labels of data do so too, but no return address is
  // there.
  return symbol.st_shndx != SHN_UNDEF && symbol.st_shndx < SHN_LORESERVE && symbol.st_value != 0 &&
         (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE);
}

}  // namespace

void SymbolTable::add(const ElfFile& file) {
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(file.elf(), section)) != nullptr;) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr) continue;
    if ((header.sh_type != SHT_SYMTAB && header.sh_type != SHT_DYNSYM) || header.sh_entsize == 0) continue;
    Elf_Data* data = elf_getdata(section, nullptr);
    if (data == nullptr) continue;
    const auto count = static_cast<int>(header.sh_size / header.sh_entsize);
    for (int i = 0; i < count; ++i) {
      GElf_Sym symbol;
      if (gelf_getsym(data, i, &symbol) == nullptr || !is_function(symbol)) continue;
      const char* name = elf_strptr(file.elf(), header.sh_link, symbol.st_name);
      if (name == nullptr || *name == '\0') continue;
      symbols_.push_back({symbol.st_value, symbol.st_value + symbol.st_size, symbol.st_shndx,
                          GELF_ST_BIND(symbol.st_info) == STB_LOCAL, without_version(name)});
    }
  }
}

void SymbolTable::finish() {
  // The preferred name of an address first: with a size, global, without underscores.
  const auto rank = [](const Symbol& s) {
    return std::tuple(s.begin, s.begin == s.end, s.local, leading_underscores(s.name), s.name.size(), s.name);
  };
  std::ranges::sort(symbols_, {}, rank);
  const auto repeated = std::ranges::unique(symbols_, {}, &Symbol::begin);
  symbols_.erase(repeated.begin(), repeated.end());
  symbols_.shrink_to_fit();
}

std::string_view SymbolTable::find(uint64_t address) const {
  // A function that covers the address may stand a few labels of its own before it.
  constexpr int kLabelsInAFunction = 16;
  const auto after = std::ranges::upper_bound(symbols_, address, {}, &Symbol::begin);
  std::string_view without_size;
  for (auto it = after; it != symbols_.begin() && after - it < kLabelsInAFunction;) {
    --it;
    if (address < it->end) return it->name;
    const bool reaches = it->begin == it->end && (after == symbols_.end() || after->section == it->section);
    if (reaches && without_size.empty()) without_size = it->name;
  }
  return without_size;
}

std::string demangle(std::string_view linkage_name) {
  using Readable = std::unique_ptr<char, void (*)(void*)>;
  std::string name(without_version(linkage_name));
  if (!name.starts_with("_Z") && !name.starts_with("_R")) return name;
  // Rust first: its older names ("_ZN3foo17h<hash>E") are C++ names, too, but for the hash.
  if (const Readable rust(rust_demangle(name.c_str(), 0), std::free); rust != nullptr) return rust.get();
  int status = 0;
  const Readable readable(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), std::free);
  return status == 0 ? readable.get() : name;
}

}  // namespace leakhunt::symbols
