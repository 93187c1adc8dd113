#include "scenarios/runner/build_kind.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <unistd.h>

#include <sstream>
#include <string_view>

namespace leakhunt::runner {

namespace {

class File {
 public:
  explicit File(const std::filesystem::path& path) : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

std::string machine_of(Elf* elf) {
  GElf_Ehdr header;
  if (gelf_getehdr(elf, &header) == nullptr) return {};
  return header.e_machine == EM_X86_64 ? "x86_64" : "machine " + std::to_string(header.e_machine);
}

// The switches of one translation unit that change what a program allocates; empty: it does not name them.
std::string switches_of(Dwarf_Die* unit) {
  Dwarf_Attribute attribute;
  const char* producer = dwarf_formstring(dwarf_attr(unit, DW_AT_producer, &attribute));
  if (producer == nullptr || !std::string_view(producer).starts_with("GNU C")) return {};
  std::istringstream words{std::string(producer)};
  std::string level = "-O0";
  std::string others;
  for (std::string word; words >> word;) {
    if (word.starts_with("-O")) level = word;
    if (word.starts_with("-fsanitize")) others += " " + word;
  }
  return " " + level + others;
}

std::string switches_of(Dwarf* debug_info) {
  Dwarf_CU* unit = nullptr;
  Dwarf_Die die;
  Dwarf_Half version = 0;
  uint8_t type = 0;
  while (dwarf_get_units(debug_info, unit, &unit, &version, &type, &die, nullptr) == 0) {
    if (std::string switches = switches_of(&die); !switches.empty()) return switches;
  }
  return {};
}

}  // namespace

std::string build_of(const std::filesystem::path& program) {
  elf_version(EV_CURRENT);
  const File file(program);
  Elf* elf = elf_begin(file.descriptor(), ELF_C_READ, nullptr);
  if (elf == nullptr) return {};
  std::string build = elf_kind(elf) == ELF_K_ELF ? machine_of(elf) : "";
  if (Dwarf* debug_info = build.empty() ? nullptr : dwarf_begin_elf(elf, DWARF_C_READ, nullptr)) {
    build += switches_of(debug_info);
    dwarf_end(debug_info);
  }
  elf_end(elf);
  return build;
}

}  // namespace leakhunt::runner
