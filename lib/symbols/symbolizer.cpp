#include "lib/symbols/symbolizer.h"

#include <sys/auxv.h>

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "lib/symbols/debug_info.h"
#include "lib/symbols/elf_file.h"
#include "lib/symbols/symbol_table.h"

namespace leakhunt::symbols {
namespace {

constexpr std::string_view kDeleted = " (deleted)";
constexpr std::string_view kVdso = "[vdso]";

// One opened module: what was stripped off `file` is in `split`, what that shares with other files in
// `shared`.
struct Module {
  ElfFile file;
  std::optional<ElfFile> split;
  std::optional<ElfFile> mini;
  std::optional<ElfFile> shared;
  SymbolTable symbols;
  std::unique_ptr<DebugInfo> debug_info;
};
using Opened = tl::expected<std::unique_ptr<Module>, Unresolved>;

// The kernel's code, as it is mapped into this very process: a recording of the same kernel means the same.
std::optional<ElfFile> open_vdso() {
  constexpr size_t kLargest = 64 << 10;
  const unsigned long at = getauxval(AT_SYSINFO_EHDR);
  if (at == 0) return std::nullopt;
  const char* bytes = reinterpret_cast<const char*>(at);
  const auto* header = reinterpret_cast<const Elf64_Ehdr*>(bytes);
  const uint64_t size = header->e_shoff + uint64_t{header->e_shnum} * header->e_shentsize;
  if (size < sizeof *header || size > kLargest) return std::nullopt;
  return ElfFile::in_memory(std::string(kVdso), std::vector<char>(bytes, bytes + size));
}

tl::expected<ElfFile, Unresolved> find_file(std::string_view path, std::span<const uint8_t> build_id) {
  const bool deleted = path.ends_with(kDeleted);
  auto file = path == kVdso ? open_vdso() : ElfFile::open(std::string(path));
  if (!file && deleted && !build_id.empty()) {
    // It may have been put back, or the new one may be the same build. Without a build-id nobody could tell.
    path.remove_suffix(kDeleted.size());
    file = ElfFile::open(std::string(path));
  }
  if (!file) return tl::unexpected(Unresolved::kNoFile);
  const bool of_any_kernel = path == kVdso && build_id.empty();
  if (of_any_kernel || !matches(*file, build_id)) return tl::unexpected(Unresolved::kOtherBuild);
  return std::move(*file);
}

void open_debug_info(Module& module, const DebugRoots& roots) {
  const auto open = [&](const ElfFile& file) {
    module.shared = find_shared_debug(file, roots);
    module.debug_info = DebugInfo::open(file, module.shared ? &*module.shared : nullptr);
  };
  open(module.file);
  if (module.debug_info) return;
  module.split = find_split_debug(module.file, roots);
  if (module.split) open(*module.split);
}

Opened open_module(std::string_view path, std::span<const uint8_t> build_id, const DebugRoots& roots) {
  auto file = find_file(path, build_id);
  if (!file) return tl::unexpected(file.error());
  auto module = std::make_unique<Module>(Module{std::move(*file), {}, {}, {}, {}, nullptr});
  open_debug_info(*module, roots);
  if (!module->debug_info) module->mini = find_mini_debug(module->file);
  module->symbols.add(module->file);
  if (module->split) module->symbols.add(*module->split);
  if (module->mini) module->symbols.add(*module->mini);
  module->symbols.finish();
  return module;
}

}  // namespace

struct Symbolizer::Modules {
  using Key = std::pair<std::string, std::vector<uint8_t>>;
  explicit Modules(DebugRoots debug_roots) : roots(std::move(debug_roots)) {}

  DebugRoots roots;
  std::map<Key, Opened> opened;
  Opened* last = nullptr;  // addresses come sorted, or nearly so
  Key last_key;

  Opened& find(std::string_view path, std::span<const uint8_t> build_id) {
    const bool same =
        last != nullptr && last_key.first == path &&
        std::equal(build_id.begin(), build_id.end(), last_key.second.begin(), last_key.second.end());
    if (same) return *last;
    last_key = {std::string(path), {build_id.begin(), build_id.end()}};
    auto found = opened.find(last_key);
    if (found == opened.end()) found = opened.emplace(last_key, open_module(path, build_id, roots)).first;
    last = &found->second;
    return *last;
  }
};

std::string_view explain(Unresolved reason) {
  switch (reason) {
    case Unresolved::kNoFile:
      return "the file is gone";
    case Unresolved::kOtherBuild:
      return "the file has changed since";
    case Unresolved::kNotInFunction:
      return "the file has no symbol there";
  }
  return "unknown reason";
}

Symbolizer::Symbolizer() : Symbolizer(debug_roots_of_environment()) {}
Symbolizer::Symbolizer(DebugRoots roots) : modules_(std::make_unique<Modules>(std::move(roots))) {}
Symbolizer::~Symbolizer() = default;

tl::expected<std::vector<SourceFrame>, Unresolved> Symbolizer::resolve(std::string_view module_path,
                                                                       std::span<const uint8_t> build_id,
                                                                       uint64_t offset) {
  Opened& module = modules_->find(module_path, build_id);
  if (!module) return tl::unexpected(module.error());
  const std::string_view symbol = (*module)->symbols.find(offset);
  std::vector<SourceFrame> frames;
  if ((*module)->debug_info) frames = (*module)->debug_info->frames_at(offset, symbol);
  if (frames.empty() && symbol.empty()) return tl::unexpected(Unresolved::kNotInFunction);
  if (frames.empty()) frames.emplace_back();
  if (frames.back().function.empty()) frames.back().function = demangle(symbol);
  return frames;
}

}  // namespace leakhunt::symbols
