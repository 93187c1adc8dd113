#include "scenarios/runner/data_names.h"

#include <map>
#include <optional>
#include <set>

#include "lib/symbols/data_names.h"

namespace leakhunt::runner {

namespace {

using recording::CallSite;
using recording::DataNames;
using recording::HeapGraph;
using recording::kNoNode;
using recording::Module;
using recording::Run;
using recording::SiteId;
using symbols::DataNamer;

// A limit on everything: looking one up may mean going through a module's debug information.
constexpr size_t kMostVariables = 256;
constexpr size_t kMostSites = 4096;
constexpr size_t kMostMembers = 4096;

class Namer {
 public:
  Namer(const Run& run, const recording::Symbols& symbols) : run_(run), symbols_(symbols) {}

  DataNames name() {
    for (auto graph = run_.graphs.rbegin(); graph != run_.graphs.rend(); ++graph) name_slots(*graph);
    return std::move(names_);
  }

 private:
  void name_slots(const HeapGraph& graph) {
    for (const recording::GraphEdgeRow& edge : graph.edges) {
      if (edge.from != kNoNode) {
        name_member(graph.nodes[edge.from].site, edge.slot);
      } else if (edge.root == recording::RootKind::kData) {
        name_variable(edge.slot);
      }
    }
  }

  void name_variable(uint64_t address) {
    if (names_.variables.size() >= kMostVariables || !seen_.insert(address).second) return;
    for (const Module& module : run_.modules) {
      if (address < module.begin || address >= module.end) continue;
      DataNamer* namer = namer_of(module);
      if (namer == nullptr) return;
      if (auto name = namer->variable_at(address - module.bias)) names_.variables[address] = std::move(*name);
      return;
    }
  }

  void name_member(SiteId site, uint64_t offset) {
    if (names_.members.size() >= kMostMembers || !seen_members_.emplace(site, offset).second) return;
    const auto type = type_of(site);
    if (!type) return;
    if (auto name = DataNamer::member_at(*type, offset)) names_.members[{site, offset}] = std::move(*name);
  }

  std::optional<DataNamer::Allocated> type_of(SiteId id) {
    const auto known = types_.find(id);
    if (known != types_.end()) return known->second;
    if (types_.size() >= kMostSites) return std::nullopt;
    return types_[id] = find_type(run_.sites[static_cast<size_t>(id)]);
  }

  std::optional<DataNamer::Allocated> find_type(const CallSite& site) {
    for (const uint64_t address : site.frames) {
      const auto id = module_at(run_, site, address - 1);
      if (!id) return std::nullopt;
      const Module& module = run_.modules[static_cast<size_t>(*id)];
      DataNamer* namer = namer_of(module);
      if (namer == nullptr) return std::nullopt;
      DataNamer::Allocated type;
      switch (namer->type_allocated_at(address - module.bias - 1, line_at(address), &type)) {
        case DataNamer::Found::kType:
          return type;
        case DataNamer::Found::kNothing:
          return std::nullopt;
        case DataNamer::Found::kPlumbing:
          break;
      }
    }
    return std::nullopt;
  }

  // In the innermost function, inlined or not.
  uint32_t line_at(uint64_t address) const {
    const auto symbol = symbols_.find(address);
    if (symbol == symbols_.end() || symbol->second.source_frames.empty()) return 0;
    return symbol->second.source_frames.front().line;
  }

  DataNamer* namer_of(const Module& module) {
    if (module.path.empty() || module.path.front() != '/') return nullptr;
    auto known = namers_.find(module.path);
    if (known == namers_.end())
      known = namers_.emplace(module.path, DataNamer::open(module.path, module.build_id)).first;
    return known->second ? &*known->second : nullptr;
  }

  const Run& run_;
  const recording::Symbols& symbols_;
  DataNames names_;
  std::set<uint64_t> seen_;
  std::set<recording::MemberKey> seen_members_;
  std::map<SiteId, std::optional<DataNamer::Allocated>> types_;
  std::map<std::string, std::optional<DataNamer>> namers_;
};

}  // namespace

DataNames name_data(const Run& run, const recording::Symbols& symbols) {
  return Namer(run, symbols).name();
}

}  // namespace leakhunt::runner
