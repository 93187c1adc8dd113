#include "lib/symbols/split_debug.h"

#include <lzma.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <string_view>
#include <utility>

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
fs::path path_by_build_id(std::span<const uint8_t> build_id, const fs::path& root) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const uint8_t byte : build_id) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return root / ".build-id" / hex.substr(0, 2) / (hex.substr(2) + ".debug");
}

// The module's folder as given, and where symbolic links lead: /lib is a link to /usr/lib on Debian.
std::vector<fs::path> folders_of(const std::string& module_path) {
  std::error_code error;
  std::vector<fs::path> folders{fs::absolute(module_path, error).parent_path()};
  const fs::path canonical = fs::canonical(module_path, error).parent_path();
  if (!error && canonical != folders.front()) folders.push_back(canonical);
  return folders;
}

std::optional<ElfFile> with_build_id(const fs::path& path, std::span<const uint8_t> build_id) {
  auto found = ElfFile::open(path);
  if (found && std::ranges::equal(found->build_id(), build_id)) return found;
  return std::nullopt;
}

// Decompressed; nothing when it is no whole xz file, or larger than any table of symbols.
std::optional<std::vector<char>> unpacked_xz(std::span<const char> packed) {
  constexpr size_t kLargest = 256u << 20;
  std::vector<char> bytes(std::max<size_t>(packed.size() * 4, 4096));
  const auto* in = reinterpret_cast<const uint8_t*>(packed.data());
  while (bytes.size() <= kLargest) {
    uint64_t memory_limit = UINT64_MAX;
    size_t read = 0;
    size_t written = 0;
    const lzma_ret result =
        lzma_stream_buffer_decode(&memory_limit, 0, nullptr, in, &read, packed.size(),
                                  reinterpret_cast<uint8_t*>(bytes.data()), &written, bytes.size());
    if (result == LZMA_OK) {
      bytes.resize(written);
      return bytes;
    }
    if (result != LZMA_BUF_ERROR) return std::nullopt;
    bytes.resize(bytes.size() * 2);
  }
  return std::nullopt;
}

}  // namespace

DebugRoots debug_roots_of_environment() {
  DebugRoots roots;
  const char* variable = std::getenv("LEAKHUNT_DEBUG_DIR");
  std::string_view rest = variable != nullptr ? variable : "";
  while (!rest.empty()) {
    const size_t colon = std::min(rest.find(':'), rest.size());
    if (colon != 0) roots.emplace_back(rest.substr(0, colon));
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  roots.emplace_back("/usr/lib/debug");
  return roots;
}

std::optional<ElfFile> find_split_debug(const ElfFile& module, const DebugRoots& roots) {
  if (const auto build_id = module.build_id(); build_id.size() > 1) {
    for (const fs::path& root : roots) {
      if (auto found = with_build_id(path_by_build_id(build_id, root), build_id)) return found;
    }
  }
  const auto link = module.debug_link();
  if (!link) return std::nullopt;
  for (const fs::path& folder : folders_of(module.path())) {
    std::vector<fs::path> places{folder, folder / ".debug"};
    for (const fs::path& root : roots) places.push_back(root / folder.relative_path());
    for (const fs::path& place : places) {
      auto found = ElfFile::open(place / link->file_name);
      if (found && belongs_to(*found, module, &*link)) return found;
    }
  }
  return std::nullopt;
}

// The link is a path, its NUL, and a build-id.
std::optional<ElfFile> find_shared_debug(const ElfFile& debug, const DebugRoots& roots) {
  const std::span<const char> link = debug.content(".gnu_debugaltlink");
  const auto nul = std::ranges::find(link, '\0');
  if (nul == link.end() || link.end() - nul < 3) return std::nullopt;
  const fs::path named(std::string(link.begin(), nul));
  const std::vector<uint8_t> build_id(nul + 1, link.end());
  for (const fs::path& folder : folders_of(debug.path())) {
    if (auto found = with_build_id(folder / named, build_id)) return found;
  }
  for (const fs::path& root : roots) {
    if (auto found = with_build_id(path_by_build_id(build_id, root), build_id)) return found;
    if (auto found = with_build_id(root / ".dwz" / named.filename(), build_id)) return found;
  }
  return std::nullopt;
}

std::optional<ElfFile> find_mini_debug(const ElfFile& module) {
  const std::span<const char> packed = module.content(".gnu_debugdata");
  if (packed.empty()) return std::nullopt;
  auto bytes = unpacked_xz(packed);
  if (!bytes) return std::nullopt;
  return ElfFile::in_memory(module.path() + "(.gnu_debugdata)", std::move(*bytes));
}

}  // namespace leakhunt::symbols
