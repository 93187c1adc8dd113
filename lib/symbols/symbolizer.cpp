#include "lib/symbols/symbolizer.h"

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "lib/symbols/debug_info.h"
#include "lib/symbols/elf_file.h"
#include "lib/symbols/split_debug.h"
#include "lib/symbols/symbol_table.h"

namespace leakhunt::symbols {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

// One opened module: `split`, when it is there, holds what was stripped off `file`.
struct Module {
  ElfFile file;
  std::optional<ElfFile> split;
  SymbolTable symbols;
  std::unique_ptr<DebugInfo> debug_info;
};
using Opened = tl::expected<std::unique_ptr<Module>, Unresolved>;

tl::expected<ElfFile, Unresolved> find_file(std::string_view path, std::span<const uint8_t> build_id) {
  auto file = ElfFile::open(std::string(path));
  if (!file && path.ends_with(kDeleted) && !build_id.empty()) {
    // It may have been put back, or the new one may be the same build. Without a build-id nobody could tell.
    path.remove_suffix(kDeleted.size());
    file = ElfFile::open(std::string(path));
  }
  if (!file) return tl::unexpected(Unresolved::kNoFile);
  if (!matches(*file, build_id)) return tl::unexpected(Unresolved::kOtherBuild);
  return std::move(*file);
}

Opened open_module(std::string_view path, std::span<const uint8_t> build_id) {
  auto file = find_file(path, build_id);
  if (!file) return tl::unexpected(file.error());
  auto module = std::make_unique<Module>(Module{std::move(*file), std::nullopt, {}, nullptr});
  module->debug_info = DebugInfo::open(module->file);
  if (!module->debug_info) {
    module->split = find_split_debug(module->file);
    if (module->split) module->debug_info = DebugInfo::open(*module->split);
  }
  module->symbols.add(module->file);
  if (module->split) module->symbols.add(*module->split);
  module->symbols.finish();
  return module;
}

}  // namespace

struct Symbolizer::Modules {
  using Key = std::pair<std::string, std::vector<uint8_t>>;
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
    if (found == opened.end()) found = opened.emplace(last_key, open_module(path, build_id)).first;
    last = &found->second;
    return *last;
  }
};

std::string_view explain(Unresolved reason) {
  switch (reason) {
    case Unresolved::kNoFile:
      return "the module is no file that can be read here";
    case Unresolved::kOtherBuild:
      return "the file has another build-id than the recorded one";
    case Unresolved::kNotInFunction:
      return "the file has no symbol there";
  }
  return "unknown reason";
}

Symbolizer::Symbolizer() : modules_(std::make_unique<Modules>()) {}
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
