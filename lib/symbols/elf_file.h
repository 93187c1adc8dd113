// elf_file: one opened ELF file and what identifies it. Used by the symbolizer for modules and their split
// debug files.
//
// Owns the descriptor and libelf's handle; movable. Nothing here is thread-safe: libelf handles are not.
#pragma once

#include <gelf.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace leakhunt::symbols {

// Named by .gnu_debuglink: the file that `objcopy --only-keep-debug` made, without folder, and its CRC-32.
struct DebugLink {
  std::string file_name;
  uint32_t crc = 0;
};

class ElfFile {
 public:
  // Nothing when there is no such file, or it is no ELF file. errno tells, as left by open().
  static std::optional<ElfFile> open(const std::string& path);
  // A file that is in memory already; `path` is what it is to be called. Nothing when it is no ELF file.
  static std::optional<ElfFile> in_memory(std::string path, std::vector<char> bytes);
  ElfFile(ElfFile&& other) noexcept;
  ElfFile& operator=(ElfFile&& other) noexcept;
  ~ElfFile();

  Elf* elf() const { return elf_; }
  const std::string& path() const { return path_; }

  // The build-id's bytes, inside the file's mapping; empty when it has none.
  std::span<const uint8_t> build_id() const;
  std::optional<DebugLink> debug_link() const;
  // Is there a section of that name, with content in this file?
  bool has_section(const char* name) const { return section(name) != nullptr; }
  // Its bytes, decompressed, inside the file's mapping; empty when there is none.
  std::span<const char> content(const char* name) const;

 private:
  ElfFile(std::string path, int descriptor, Elf* elf)
      : path_(std::move(path)), descriptor_(descriptor), elf_(elf) {}
  Elf_Scn* section(const char* name) const;

  std::string path_;
  std::vector<char> bytes_;  // of a file in memory
  int descriptor_ = -1;
  Elf* elf_ = nullptr;
};

// Does a recorded build-id (empty: not known) allow this file?
bool matches(const ElfFile& file, std::span<const uint8_t> recorded_build_id);

}  // namespace leakhunt::symbols
