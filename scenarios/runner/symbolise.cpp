#include "scenarios/runner/symbolise.h"

namespace leakhunt::runner {

namespace {

// The newest module at an address: one that was unloaded may have stood there before.
const recording::Module* module_at(const recording::Run& run, uint64_t address) {
  for (auto module = run.modules.rbegin(); module != run.modules.rend(); ++module) {
    if (address >= module->begin && address < module->end) return &*module;
  }
  return nullptr;
}

}  // namespace

recording::Symbol Symboliser::symbol_at(const recording::Run& run, uint64_t address) {
  recording::Symbol symbol;
  symbol.address = address;
  // A return address may be the first of what follows its module; the call before it is inside.
  const recording::Module* module = module_at(run, address - 1);
  if (module == nullptr) return symbol;
  symbol.module = module->path;
  symbol.offset = address - module->bias;
  const auto [place, is_new] = known_[{module->path, module->build_id}].try_emplace(symbol.offset);
  if (is_new) {
    if (auto frames = symbolizer_.resolve(module->path, module->build_id, symbol.offset - 1))
      place->second = std::move(*frames);
  }
  symbol.source_frames = place->second;
  return symbol;
}

recording::Symbols Symboliser::symbolise(const recording::Run& run) {
  recording::Symbols found;
  for (const recording::CallSite& site : run.sites) {
    for (const uint64_t address : site.frames) {
      if (address != 0 && !found.contains(address)) found.emplace(address, symbol_at(run, address));
    }
  }
  return found;
}

recording::Symbols symbolise(const recording::Run& run) {
  return Symboliser().symbolise(run);
}

}  // namespace leakhunt::runner
