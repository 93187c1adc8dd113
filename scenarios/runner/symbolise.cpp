#include "scenarios/runner/symbolise.h"

#include "lib/symbols/symbolizer.h"

namespace leakhunt::runner {

namespace {

// The newest module at an address: one that was unloaded may have stood there before.
const recording::Module* module_at(const recording::Run& run, uint64_t address) {
  for (auto module = run.modules.rbegin(); module != run.modules.rend(); ++module) {
    if (address >= module->begin && address < module->end) return &*module;
  }
  return nullptr;
}

recording::Symbol symbol_at(const recording::Run& run, uint64_t address, symbols::Symbolizer& symbolizer) {
  recording::Symbol symbol;
  symbol.address = address;
  // A return address may be the first of what follows its module; the call before it is inside.
  const recording::Module* module = module_at(run, address - 1);
  if (module == nullptr) return symbol;
  symbol.module = module->path;
  symbol.offset = address - module->bias;
  if (auto frames = symbolizer.resolve(module->path, module->build_id, symbol.offset - 1)) {
    symbol.source_frames = std::move(*frames);
  }
  return symbol;
}

}  // namespace

recording::Symbols symbolise(const recording::Run& run) {
  symbols::Symbolizer symbolizer;
  recording::Symbols found;
  for (const recording::CallSite& site : run.sites) {
    for (const uint64_t address : site.frames) {
      if (address != 0 && !found.contains(address))
        found.emplace(address, symbol_at(run, address, symbolizer));
    }
  }
  for (const auto& [number, thread] : run.threads) {
    const uint64_t address = thread.start_symbol();
    if (address != 0 && !found.contains(address)) found.emplace(address, symbol_at(run, address, symbolizer));
  }
  return found;
}

}  // namespace leakhunt::runner
