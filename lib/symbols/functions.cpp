#include "lib/symbols/functions.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "lib/symbols/split_debug.h"
#include "lib/symbols/symbol_table.h"

namespace leakhunt::symbols {
namespace {

constexpr uint16_t kHiddenVersion = 0x8000;  // of .gnu.version: not the default one

// .gnu.version of a .dynsym, or null.
Elf_Data* versions_of(Elf* elf) {
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) != nullptr && header.sh_type == SHT_GNU_versym) {
      return elf_getdata(section, nullptr);
    }
  }
  return nullptr;
}

bool is_function(const GElf_Sym& symbol) {
  const int type = GELF_ST_TYPE(symbol.st_info);
  return symbol.st_shndx != SHN_UNDEF && symbol.st_shndx < SHN_LORESERVE && symbol.st_value != 0 &&
         (type == STT_FUNC || type == STT_GNU_IFUNC);
}

void add_table(Elf* elf, Elf_Scn* section, const GElf_Shdr& header, std::vector<Function>& functions) {
  Elf_Data* data = elf_getdata(section, nullptr);
  if (data == nullptr || header.sh_entsize == 0) return;
  Elf_Data* versions = header.sh_type == SHT_DYNSYM ? versions_of(elf) : nullptr;
  const auto count = static_cast<int>(header.sh_size / header.sh_entsize);
  for (int i = 0; i < count; ++i) {
    GElf_Sym symbol;
    if (gelf_getsym(data, i, &symbol) == nullptr || !is_function(symbol)) continue;
    GElf_Versym version = 0;
    if (versions != nullptr && gelf_getversym(versions, i, &version) != nullptr &&
        (version & kHiddenVersion) != 0)
      continue;
    const char* text = elf_strptr(elf, header.sh_link, symbol.st_name);
    if (text == nullptr || *text == '\0') continue;
    const std::string_view name(text);
    const size_t at = name.find('@');
    const bool only_for_old = at != std::string_view::npos && !name.substr(at).starts_with("@@");
    if (only_for_old) continue;
    functions.push_back({std::string(name.substr(0, at)), symbol.st_value, symbol.st_size,
                         GELF_ST_TYPE(symbol.st_info) == STT_GNU_IFUNC});
  }
}

void add_tables(const ElfFile& file, std::vector<Function>& functions) {
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(file.elf(), section)) != nullptr;) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr) continue;
    if (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM)
      add_table(file.elf(), section, header, functions);
  }
}

// "core::fmt::write" of "core::fmt::write::h0123456789abcdef".
std::string_view without_rust_hash(std::string_view name) {
  constexpr size_t kHash = 3 + 16;
  if (name.size() <= kHash || !name.substr(name.size() - kHash).starts_with("::h")) return name;
  const bool is_hash = name.find_first_not_of("0123456789abcdef", name.size() - 16) == std::string_view::npos;
  return is_hash ? name.substr(0, name.size() - kHash) : name;
}

}  // namespace

std::vector<Function> functions_of(const ElfFile& file) {
  std::vector<Function> functions;
  add_tables(file, functions);
  if (!file.has_section(".symtab")) {
    if (const auto debug = find_split_debug(file, debug_roots_of_environment()))
      add_tables(*debug, functions);
  }
  const auto rank = [](const Function& f) {
    return std::tuple(f.address, std::string_view(f.name), ~f.size);
  };
  const auto identity = [](const Function& f) { return std::tuple(f.address, std::string_view(f.name)); };
  std::ranges::sort(functions, {}, rank);
  const auto repeated = std::ranges::unique(functions, {}, identity);
  functions.erase(repeated.begin(), repeated.end());
  return functions;
}

std::vector<uint8_t> code_at(const ElfFile& file, uint64_t address, uint64_t bytes) {
  size_t count = 0;
  if (elf_getphdrnum(file.elf(), &count) != 0) return {};
  for (size_t i = 0; i < count; ++i) {
    GElf_Phdr segment;
    if (gelf_getphdr(file.elf(), static_cast<int>(i), &segment) == nullptr || segment.p_type != PT_LOAD ||
        (segment.p_flags & PF_X) == 0 || address < segment.p_vaddr ||
        address - segment.p_vaddr >= segment.p_filesz)
      continue;
    const uint64_t left = segment.p_filesz - (address - segment.p_vaddr);
    const auto offset = static_cast<int64_t>(segment.p_offset + (address - segment.p_vaddr));
    Elf_Data* data = elf_getdata_rawchunk(file.elf(), offset, std::min(bytes, left), ELF_T_BYTE);
    if (data == nullptr || data->d_buf == nullptr) return {};
    const auto* begin = static_cast<const uint8_t*>(data->d_buf);
    return {begin, begin + data->d_size};
  }
  return {};
}

bool is_called(const Function& function, std::string_view name) {
  if (function.name == name) return true;
  if (!function.name.starts_with("_Z") && !function.name.starts_with("_R")) return false;
  const std::string readable = demangle(function.name);
  const std::string_view plain = without_rust_hash(readable);
  if (plain == name || readable == name) return true;
  return plain.starts_with(name) && plain.substr(name.size()).starts_with("(");
}

}  // namespace leakhunt::symbols
