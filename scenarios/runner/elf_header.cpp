#include "scenarios/runner/elf_header.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <fstream>

namespace leakhunt::runner {

namespace {

constexpr size_t kMaxHeaders = 1024;       // program headers; a real file has about a dozen
constexpr size_t kMaxDynamic = 64 * 1024;  // bytes of the dynamic section
constexpr size_t kMaxName = 4096;

// A file read at offsets. Anything beyond its end is answered with nothing.
class ElfBytes {
 public:
  explicit ElfBytes(const std::filesystem::path& file) : stream_(file, std::ios::binary) {}

  template <typename T>
  bool read(uint64_t offset, T* values, size_t count) {
    if (offset > static_cast<uint64_t>(INT64_MAX) || !stream_) return false;
    stream_.seekg(static_cast<std::streamoff>(offset));
    stream_.read(reinterpret_cast<char*>(values), static_cast<std::streamsize>(count * sizeof(T)));
    const bool whole = static_cast<size_t>(stream_.gcount()) == count * sizeof(T);
    stream_.clear();
    return whole;
  }

  // The text at `offset` up to its NUL.
  std::string text(uint64_t offset) {
    char buffer[kMaxName] = {};
    if (offset > static_cast<uint64_t>(INT64_MAX) || !stream_) return {};
    stream_.seekg(static_cast<std::streamoff>(offset));
    stream_.read(buffer, sizeof buffer - 1);
    stream_.clear();
    return buffer;
  }

 private:
  std::ifstream stream_;
};

// Where in the file the byte is that will stand at a virtual address.
std::optional<uint64_t> file_offset(const std::vector<Elf64_Phdr>& headers, uint64_t address) {
  for (const Elf64_Phdr& header : headers) {
    if (header.p_type == PT_LOAD && address >= header.p_vaddr && address - header.p_vaddr < header.p_filesz) {
      return header.p_offset + (address - header.p_vaddr);
    }
  }
  return std::nullopt;
}

void read_needed(ElfBytes& bytes, const std::vector<Elf64_Phdr>& headers, const Elf64_Phdr& dynamic,
                 ElfHeader& elf) {
  std::vector<Elf64_Dyn> entries(std::min<uint64_t>(dynamic.p_filesz, kMaxDynamic) / sizeof(Elf64_Dyn));
  if (!bytes.read(dynamic.p_offset, entries.data(), entries.size())) return;
  std::optional<uint64_t> names;
  for (const Elf64_Dyn& entry : entries) {
    if (entry.d_tag == DT_STRTAB) names = file_offset(headers, entry.d_un.d_ptr);
  }
  for (const Elf64_Dyn& entry : entries) {
    if (entry.d_tag == DT_NULL) break;
    if (entry.d_tag == DT_NEEDED && names) elf.needed.push_back(bytes.text(*names + entry.d_un.d_val));
  }
}

}  // namespace

std::optional<ElfHeader> read_elf_header(const std::filesystem::path& file) {
  ElfBytes bytes(file);
  Elf64_Ehdr header{};
  if (!bytes.read(0, header.e_ident, EI_NIDENT) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return std::nullopt;
  }
  ElfHeader elf;
  elf.is_64_bit = header.e_ident[EI_CLASS] == ELFCLASS64;
  // e_type and e_machine stand at the same place in both classes.
  if (!bytes.read(offsetof(Elf64_Ehdr, e_type), &elf.type, 1)) return std::nullopt;
  if (!bytes.read(offsetof(Elf64_Ehdr, e_machine), &elf.machine, 1)) return std::nullopt;
  if (!elf.is_64_bit || header.e_ident[EI_DATA] != ELFDATA2LSB) return elf;

  if (!bytes.read(0, &header, 1) || header.e_phnum > kMaxHeaders) return std::nullopt;
  if (header.e_phentsize != sizeof(Elf64_Phdr)) return std::nullopt;
  std::vector<Elf64_Phdr> headers(header.e_phnum);
  if (!bytes.read(header.e_phoff, headers.data(), headers.size())) return std::nullopt;
  for (const Elf64_Phdr& each : headers) {
    if (each.p_type == PT_INTERP) elf.interpreter = bytes.text(each.p_offset);
    if (each.p_type == PT_DYNAMIC) read_needed(bytes, headers, each, elf);
  }
  return elf;
}

}  // namespace leakhunt::runner
