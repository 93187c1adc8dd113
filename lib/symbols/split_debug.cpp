#include "lib/symbols/split_debug.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <vector>

namespace leakhunt::symbols {
namespace {

namespace fs = std::filesystem;

// CRC-32 of IEEE 802.3, as the manual of gdb defines it for .gnu_debuglink.
constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0u);
    table[byte] = crc;
  }
  return table;
}();

uint32_t crc_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> block(1 << 16);
  uint32_t crc = ~0u;
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())), file.gcount() > 0) {
    for (const char c : std::span(block.data(), static_cast<size_t>(file.gcount()))) {
      crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<unsigned char>(c)) & 0xFF];
    }
  }
  return ~crc;
}

bool belongs_to(const ElfFile& candidate, const ElfFile& module, const DebugLink* link) {
  const auto wanted = module.build_id();
  const auto found = candidate.build_id();
  if (!wanted.empty() && !found.empty()) return std::ranges::equal(wanted, found);
  return link != nullptr && crc_of_file(candidate.path()) == link->crc;
}

// "/usr/lib/debug/.build-id/ab/cdef....debug"
fs::path path_by_build_id(std::span<const uint8_t> build_id, const fs::path& debug_root) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const uint8_t byte : build_id) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return debug_root / ".build-id" / hex.substr(0, 2) / (hex.substr(2) + ".debug");
}

// The module's folder as given, and where symbolic links lead: /lib is a link to /usr/lib on Debian.
std::vector<fs::path> folders_of(const std::string& module_path) {
  std::error_code error;
  std::vector<fs::path> folders{fs::absolute(module_path, error).parent_path()};
  const fs::path canonical = fs::canonical(module_path, error).parent_path();
  if (!error && canonical != folders.front()) folders.push_back(canonical);
  return folders;
}

}  // namespace

std::optional<ElfFile> find_split_debug(const ElfFile& module, const std::string& debug_root) {
  if (const auto build_id = module.build_id(); build_id.size() > 1) {
    auto found = ElfFile::open(path_by_build_id(build_id, debug_root));
    if (found && belongs_to(*found, module, nullptr)) return found;
  }
  const auto link = module.debug_link();
  if (!link) return std::nullopt;
  for (const fs::path& folder : folders_of(module.path())) {
    for (const fs::path& place : {folder, folder / ".debug", debug_root / folder.relative_path()}) {
      auto found = ElfFile::open(place / link->file_name);
      if (found && belongs_to(*found, module, &*link)) return found;
    }
  }
  return std::nullopt;
}

}  // namespace leakhunt::symbols
