#include "lib/symbols/split_package.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

namespace leakhunt::symbols {

namespace {

constexpr size_t kOffset = sizeof(uint32_t);  // of 32-bit DWARF, the only one in packages so far

// Reads little-endian numbers; what lies behind the end is 0, and noted.
struct Numbers {
  std::span<const char> bytes;
  bool failed = false;

  template <typename T>
  T at(uint64_t offset) {
    T value{};
    if (offset > bytes.size() || bytes.size() - offset < sizeof value) {
      failed = true;
      return value;
    }
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
  }
};

std::span<const char> part_of(std::span<const char> whole, uint64_t offset, uint64_t size) {
  if (offset > whole.size() || size > whole.size() - offset) return {};
  return whole.subspan(offset, size);
}

// An ELF file that has nothing but sections.
class SectionsOnly {
 public:
  void add(const char* name, std::span<const char> content) {
    if (content.empty()) return;
    Elf64_Shdr header{};
    header.sh_name = name_of(name);
    header.sh_type = SHT_PROGBITS;
    header.sh_addralign = 1;
    header.sh_offset = bytes_.size();
    header.sh_size = content.size();
    bytes_.insert(bytes_.end(), content.begin(), content.end());
    headers_.push_back(header);
  }

  std::vector<char> finished() {
    Elf64_Shdr names{};
    names.sh_name = name_of(".shstrtab");
    names.sh_type = SHT_STRTAB;
    names.sh_addralign = 1;
    names.sh_offset = bytes_.size();
    names.sh_size = names_.size();
    bytes_.insert(bytes_.end(), names_.begin(), names_.end());
    headers_.push_back(names);
    bytes_.resize((bytes_.size() + 7) / 8 * 8);

    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_REL;
    header.e_machine = EM_X86_64;
    header.e_version = EV_CURRENT;
    header.e_ehsize = sizeof(Elf64_Ehdr);
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shoff = bytes_.size();
    header.e_shnum = static_cast<uint16_t>(headers_.size());
    header.e_shstrndx = static_cast<uint16_t>(headers_.size() - 1);
    std::memcpy(bytes_.data(), &header, sizeof header);
    const char* headers = reinterpret_cast<const char*>(headers_.data());
    bytes_.insert(bytes_.end(), headers, headers + headers_.size() * sizeof(Elf64_Shdr));
    return std::move(bytes_);
  }

 private:
  uint32_t name_of(const char* name) {
    const auto at = static_cast<uint32_t>(names_.size());
    names_ += name;
    names_ += '\0';
    return at;
  }

  std::vector<char> bytes_ = std::vector<char>(sizeof(Elf64_Ehdr));
  std::string names_ = std::string(1, '\0');
  std::vector<Elf64_Shdr> headers_ = std::vector<Elf64_Shdr>(1);  // the first one is none
};

// The unit's strings alone: those of the whole package may be hundreds of megabytes. Its offsets become those
// in the new table.
struct Strings {
  std::vector<char> offsets;
  std::vector<char> texts;
};

Strings strings_of(std::span<const char> offsets, size_t header_bytes, std::span<const char> texts) {
  Strings strings{{offsets.begin(), offsets.end()}, {}};
  for (size_t at = header_bytes; at + kOffset <= offsets.size(); at += kOffset) {
    uint32_t offset = 0;
    std::memcpy(&offset, offsets.data() + at, sizeof offset);
    const std::span<const char> rest = texts.subspan(std::min<size_t>(offset, texts.size()));
    const auto moved = static_cast<uint32_t>(strings.texts.size());
    strings.texts.insert(strings.texts.end(), rest.begin(), std::find(rest.begin(), rest.end(), '\0'));
    strings.texts.push_back('\0');
    std::memcpy(strings.offsets.data() + at, &moved, sizeof moved);
  }
  return strings;
}

}  // namespace

std::optional<SplitPackage> SplitPackage::open(const std::string& path) {
  auto file = ElfFile::open(path);
  if (!file) return std::nullopt;
  SplitPackage package(std::move(*file));
  if (!package.read_index()) return std::nullopt;
  return package;
}

// .debug_cu_index: version, number of columns, of units and of slots; a hash table of ids and one of rows;
// the columns' kinds; where each part of a unit begins, and how long it is.
bool SplitPackage::read_index() {
  constexpr size_t kHeader = 16;
  constexpr size_t kId = sizeof(uint64_t);
  Numbers index{file_.content(".debug_cu_index")};
  const auto word = index.at<uint32_t>(0);
  version_ = word == 2 ? 2 : word & 0xFFFF;  // since DWARF 5 half as long
  const uint64_t columns = index.at<uint32_t>(4);
  const uint64_t rows = index.at<uint32_t>(8);
  const uint64_t slots = index.at<uint32_t>(12);
  if (index.failed || (version_ != 2 && version_ != 5) || columns > 16) return false;
  const uint64_t row_numbers = kHeader + slots * kId;
  const uint64_t kinds = row_numbers + slots * kOffset;
  const uint64_t offsets = kinds + columns * kOffset;
  const uint64_t sizes = offsets + rows * columns * kOffset;
  if (sizes + rows * columns * kOffset > index.bytes.size()) return false;

  for (uint64_t column = 0; column < columns; ++column) {
    const auto kind = index.at<uint32_t>(kinds + column * kOffset);
    static constexpr std::pair<Part, const char*> kSections[] = {{kInfo, ".debug_info.dwo"},
                                                                 {kAbbreviations, ".debug_abbrev.dwo"},
                                                                 {kLine, ".debug_line.dwo"},
                                                                 {kStringOffsets, ".debug_str_offsets.dwo"},
                                                                 {kRangeLists, ".debug_rnglists.dwo"}};
    static constexpr uint32_t kNumbers[] = {1, 3, 4, 6,
                                            8};  // DW_SECT_INFO, ABBREV, LINE, STR_OFFSETS, RNGLISTS
    for (size_t i = 0; i < std::size(kSections); ++i) {
      if (kNumbers[i] != kind || (kind == 8 && version_ != 5)) continue;
      const std::span<const char> section = file_.content(kSections[i].second);
      for (uint64_t slot = 0; slot < slots; ++slot) {
        const auto row = index.at<uint32_t>(row_numbers + slot * kOffset);
        if (row == 0 || row > rows) continue;
        const uint64_t cell = ((row - 1) * columns + column) * kOffset;
        units_[index.at<uint64_t>(kHeader + slot * kId)][kSections[i].first] =
            part_of(section, index.at<uint32_t>(offsets + cell), index.at<uint32_t>(sizes + cell));
      }
    }
  }
  return !index.failed;
}

std::optional<ElfFile> SplitPackage::unit(uint64_t id, const InProgram& program) const {
  constexpr size_t kStringOffsetsHeader = 8;
  const auto found = units_.find(id);
  if (found == units_.end()) return std::nullopt;
  const Unit& unit = found->second;
  const Strings strings = strings_of(unit[kStringOffsets], version_ == 5 ? kStringOffsetsHeader : 0,
                                     file_.content(".debug_str.dwo"));
  SectionsOnly sections;
  sections.add(".debug_info", unit[kInfo]);
  sections.add(".debug_abbrev", unit[kAbbreviations]);
  sections.add(".debug_line", unit[kLine]);
  sections.add(".debug_str_offsets", strings.offsets);
  sections.add(".debug_str", strings.texts);
  sections.add(".debug_rnglists", unit[kRangeLists]);
  sections.add(".debug_ranges", program.ranges);
  sections.add(".debug_addr", program.addresses);
  return ElfFile::in_memory(file_.path(), sections.finished());
}

}  // namespace leakhunt::symbols
