#include "scenarios/runner/symbolise.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <unordered_set>

#include "scenarios/runner/perf_map.h"

namespace leakhunt::runner {

using recording::CallSite;
using recording::Module;
using recording::ModuleId;
using recording::Run;
using recording::Symbol;
using recording::Symbols;

namespace {

// A return address, and the module that lay there; they come sorted by module.
struct Place {
  std::optional<ModuleId> module;
  uint64_t address = 0;
  auto operator<=>(const Place&) const = default;
};

std::vector<Place> places_of(const Run& run) {
  // Between two unloadings an address means one module.
  std::map<uint32_t, std::unordered_set<uint64_t>> seen;
  std::vector<Place> places;
  const CallSite* last = nullptr;
  const auto add_stack = [&](const CallSite& site) {
    std::unordered_set<uint64_t>& seen_here = seen[site.module_epoch];
    auto next = site.frames.rbegin();  // behind the outermost frames, which it shares with the stack before
    if (last != nullptr && last->module_epoch == site.module_epoch)
      next = std::mismatch(next, site.frames.rend(), last->frames.rbegin(), last->frames.rend()).first;
    for (; next != site.frames.rend(); ++next) {
      // A return address may be the first of what follows its module; the call before it is inside.
      if (*next != 0 && seen_here.insert(*next).second)
        places.push_back({module_at(run, site, *next - 1), *next});
    }
    last = &site;
  };
  for (const CallSite& site : run.sites) add_stack(site);
  for (const recording::FreedPlace& place : run.freed_places) add_stack(place.stack);
  for (const auto& [number, thread] : run.threads) {
    const uint64_t address = thread.start_symbol();
    const CallSite at_first;  // what a thread began in is seldom unloaded
    if (address != 0 && seen[at_first.module_epoch].insert(address).second)
      places.push_back({module_at(run, at_first, address - 1), address});
  }
  std::ranges::sort(places);
  const auto repeated = std::ranges::unique(places);
  places.erase(repeated.begin(), repeated.end());
  return places;
}

uint64_t nanoseconds(const timespec& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

// Of a module without a build-id: was its file written, or put there, after the program had started?
bool has_changed(const Module& module, const Run& run) {
  struct stat status {};
  if (!module.build_id.empty() || stat(module.path.c_str(), &status) != 0) return false;
  return std::max(nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)) > run.process.start_unix_ns;
}

}  // namespace

class Symboliser::Namer {
 public:
  Namer(const Run& run, Symboliser& symboliser) : run_(run), symboliser_(symboliser) {}

  Symbol name(const Place& place) {
    Symbol symbol;
    symbol.address = place.address;
    if (!place.module) {
      name_anonymous(symbol);
    } else {
      name_in_module(symbol, run_.modules[static_cast<size_t>(*place.module)]);
    }
    return symbol;
  }

 private:
  void name_anonymous(Symbol& symbol) {
    symbol.module = recording::kAnonymousCode;
    symbol.offset = symbol.address;
    if (!perf_map_) perf_map_ = PerfMap::of_process(run_.process.pid, run_.process.start_unix_ns);
    const std::string_view function = perf_map_->find(symbol.address - 1);
    if (!function.empty()) symbol.source_frames = {{std::string(function), "", 0, false}};
  }

  void name_in_module(Symbol& symbol, const Module& module) {
    symbol.module = module.path;
    symbol.offset = symbol.address - module.bias;
    if (module.path.empty()) return;  // its record is lost
    if (&module != judged_) {
      judged_ = &module;
      changed_ = has_changed(module, run_);
    }
    if (changed_) {
      symbol.note = explain(symbols::Unresolved::kOtherBuild);
      return;
    }
    const Frames& frames = symboliser_.frames_at(module, symbol.offset - 1);
    if (frames) {
      symbol.source_frames = *frames;
    } else if (frames.error() != symbols::Unresolved::kNotInFunction) {
      symbol.note = explain(frames.error());
    }
  }

  const Run& run_;
  Symboliser& symboliser_;
  std::optional<PerfMap> perf_map_;
  const Module* judged_ = nullptr;
  bool changed_ = false;
};

const Symboliser::Frames& Symboliser::frames_at(const Module& module, uint64_t offset) {
  const auto [place, is_new] = known_[{module.path, module.build_id}].try_emplace(offset);
  if (is_new) place->second = symbolizer_.resolve(module.path, module.build_id, offset);
  return place->second;
}

Symbols Symboliser::symbolise(const Run& run) {
  Namer namer(run, *this);
  Symbols found;
  for (const Place& place : places_of(run)) {
    Symbol symbol = namer.name(place);
    const auto [first, is_first] = found.try_emplace(place.address);
    if (is_first) {
      first->second = std::move(symbol);
    } else {
      symbol.module_id = place.module;
      first->second.later.push_back(std::move(symbol));
    }
  }
  return found;
}

Symbols symbolise(const Run& run) {
  return Symboliser().symbolise(run);
}

}  // namespace leakhunt::runner
