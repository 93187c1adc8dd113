#include "lib/symbols/elf_file.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace leakhunt::symbols {

std::optional<ElfFile> ElfFile::open(const std::string& path) {
  elf_version(EV_CURRENT);
  // O_NONBLOCK: a path from a recording may by now be a pipe, and opening it must not wait for a writer.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return std::nullopt;
  Elf* elf = elf_begin(descriptor, ELF_C_READ_MMAP, nullptr);
  if (elf == nullptr || elf_kind(elf) != ELF_K_ELF) {
    elf_end(elf);
    close(descriptor);
    errno = ENOEXEC;
    return std::nullopt;
  }
  return ElfFile(path, descriptor, elf);
}

std::optional<ElfFile> ElfFile::in_memory(std::string path, std::vector<char> bytes) {
  elf_version(EV_CURRENT);
  Elf* elf = elf_memory(bytes.data(), bytes.size());
  if (elf == nullptr || elf_kind(elf) != ELF_K_ELF) {
    elf_end(elf);
    return std::nullopt;
  }
  ElfFile file(std::move(path), -1, elf);
  file.bytes_ = std::move(bytes);  // they stay where they are
  return file;
}

ElfFile::ElfFile(ElfFile&& other) noexcept
    : path_(std::move(other.path_)),
      bytes_(std::move(other.bytes_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      elf_(std::exchange(other.elf_, nullptr)) {}

ElfFile& ElfFile::operator=(ElfFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(bytes_, other.bytes_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(elf_, other.elf_);
  return *this;
}

ElfFile::~ElfFile() {
  elf_end(elf_);
  if (descriptor_ >= 0) close(descriptor_);
}

std::span<const uint8_t> ElfFile::build_id() const {
  const void* bytes = nullptr;
  const ssize_t size = dwelf_elf_gnu_build_id(elf_, &bytes);
  if (size <= 0) return {};
  return {static_cast<const uint8_t*>(bytes), static_cast<size_t>(size)};
}

std::optional<DebugLink> ElfFile::debug_link() const {
  GElf_Word crc = 0;
  const char* name = dwelf_elf_gnu_debuglink(elf_, &crc);
  if (name == nullptr) return std::nullopt;
  return DebugLink{name, crc};
}

Elf_Scn* ElfFile::section(const char* name) const {
  size_t names = 0;
  if (elf_getshdrstrndx(elf_, &names) != 0) return nullptr;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf_, section)) != nullptr;) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type == SHT_NOBITS) continue;
    const char* found = elf_strptr(elf_, names, header.sh_name);
    if (found != nullptr && std::strcmp(found, name) == 0) return section;
  }
  return nullptr;
}

std::span<const char> ElfFile::content(const char* name) const {
  Elf_Scn* found = section(name);
  if (found == nullptr) return {};
  GElf_Shdr header;
  if (gelf_getshdr(found, &header) != nullptr && (header.sh_flags & SHF_COMPRESSED) != 0) {
    elf_compress(found, 0, 0);  // in libelf's copy
  }
  const Elf_Data* data = elf_getdata(found, nullptr);
  if (data == nullptr || data->d_buf == nullptr) return {};
  return {static_cast<const char*>(data->d_buf), data->d_size};
}

bool matches(const ElfFile& file, std::span<const uint8_t> recorded_build_id) {
  return recorded_build_id.empty() || std::ranges::equal(file.build_id(), recorded_build_id);
}

}  // namespace leakhunt::symbols
