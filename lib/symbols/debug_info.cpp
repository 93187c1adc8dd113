#include "lib/symbols/debug_info.h"

#include <dwarf.h>

#include <algorithm>
#include <map>
#include <utility>

#include "lib/symbols/symbol_table.h"

namespace leakhunt::symbols {
namespace {

// Ill-formed debug information may nest without end.
constexpr size_t kMaxInlineDepth = 256;

uint32_t number(Dwarf_Die* die, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (dwarf_attr(die, name, &attribute) == nullptr || dwarf_formudata(&attribute, &value) != 0) return 0;
  return static_cast<uint32_t>(value);
}

// The name as the linker sees it, also of what was inlined or declared elsewhere; empty when there is none.
std::string_view linkage_name(Dwarf_Die* die) {
  Dwarf_Attribute attribute;
  for (const unsigned name : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name}) {
    if (dwarf_attr_integrate(die, name, &attribute) == nullptr) continue;
    if (const char* value = dwarf_formstring(&attribute)) return value;
  }
  return {};
}

std::string_view short_name(Dwarf_Die* die) {
  const char* name = dwarf_diename(die);
  return name != nullptr ? name : "";
}

// From an inlined or out-of-line instance to the declaration, which stands inside its namespace or type.
Dwarf_Die declaration_of(Dwarf_Die die) {
  for (int hops = 0; hops < 8; ++hops) {
    Dwarf_Attribute attribute;
    Dwarf_Die next;
    if (dwarf_attr(&die, DW_AT_abstract_origin, &attribute) == nullptr &&
        dwarf_attr(&die, DW_AT_specification, &attribute) == nullptr) {
      break;
    }
    if (dwarf_formref_die(&attribute, &next) == nullptr) break;
    die = next;
  }
  return die;
}

void cover(RangeMap& map, Dwarf_Die* die, uint32_t value) {
  Dwarf_Addr base = 0;
  Dwarf_Addr begin = 0;
  Dwarf_Addr end = 0;
  for (ptrdiff_t at = 0; (at = dwarf_ranges(die, at, &base, &begin, &end)) > 0;) {
    // The linker leaves 0 (or 1 in a list) where it dropped a function.
    if (begin > 1 && begin < end) map.cover(begin, end, value);
  }
}

std::string source_file(Dwarf_Die* unit, uint32_t index) {
  Dwarf_Files* files = nullptr;
  size_t count = 0;
  if (dwarf_getsrcfiles(unit, &files, &count) != 0 || index >= count) return {};
  const char* path = dwarf_filesrc(files, index, nullptr, nullptr);
  return path != nullptr ? path : "";
}

}  // namespace

// --- RangeMap

void RangeMap::finish() {
  std::map<uint64_t, uint32_t> starts;
  for (const auto& [begin, end, value] : ranges_) {
    const auto after = starts.upper_bound(end);
    const uint32_t beyond = after == starts.begin() ? kNothing : std::prev(after)->second;
    starts.erase(starts.lower_bound(begin), starts.lower_bound(end));
    starts[begin] = value;
    starts.try_emplace(end, beyond);
  }
  for (const auto& [at, value] : starts) starts_.push_back({at, value});
  ranges_ = {};
}

uint32_t RangeMap::find(uint64_t address) const {
  const auto after = std::ranges::upper_bound(starts_, address, {}, &Start::at);
  return after == starts_.begin() ? kNothing : std::prev(after)->value;
}

// --- the index

std::unique_ptr<DebugInfo> DebugInfo::open(const ElfFile& file, const ElfFile* shared) {
  if (!file.has_section(".debug_info") && !file.has_section(".zdebug_info")) return nullptr;
  Dwarf* dwarf = dwarf_begin_elf(file.elf(), DWARF_C_READ, nullptr);
  if (dwarf == nullptr) return nullptr;
  Dwarf* common = shared != nullptr ? dwarf_begin_elf(shared->elf(), DWARF_C_READ, nullptr) : nullptr;
  if (common != nullptr) dwarf_setalt(dwarf, common);
  std::unique_ptr<DebugInfo> info(new DebugInfo(file, dwarf, common));
  info->index_units();
  return info;
}

DebugInfo::~DebugInfo() {
  for (const TakenUnit& unit : taken_) dwarf_end(unit.dwarf);
  dwarf_end(dwarf_);
  if (shared_ != nullptr) dwarf_end(shared_);
}

void DebugInfo::index_units() {
  Dwarf_CU* cu = nullptr;
  Dwarf_Die root;
  uint8_t type = 0;
  while (dwarf_get_units(dwarf_, cu, &cu, nullptr, &type, &root, nullptr) == 0) {
    if (type != DW_UT_compile && type != DW_UT_partial && type != DW_UT_skeleton) continue;
    const auto index = static_cast<uint32_t>(units_.size());
    Unit& unit = units_.emplace_back();
    unit.root = root;
    unit.split = root;
    unit_by_root_[root.addr] = &unit;
    cover(unit_at_, &root, index);
  }
  unit_at_.finish();
}

// libdw looks for the .dwo file beside the program and where it was compiled, and compares its id.
void DebugInfo::open_split(Unit& unit) {
  uint8_t type = 0;
  uint64_t id = 0;
  Dwarf_Die split{};
  if (dwarf_cu_info(unit.root.cu, nullptr, &type, nullptr, &split, &id, nullptr, nullptr) != 0) return;
  if (type != DW_UT_skeleton) return;
  if (split.addr != nullptr) {
    unit.split = split;
  } else if (!take_from_package(unit, id)) {
    return;
  }
  unit_by_root_[unit.split.addr] = &unit;
}

SplitPackage::InProgram DebugInfo::in_program(Dwarf_Die* root) const {
  const auto from = [&](const char* section, std::initializer_list<unsigned> names) {
    const std::span<const char> whole = file_.content(section);
    Dwarf_Attribute attribute;
    Dwarf_Word base = 0;
    for (const unsigned name : names) {
      if (dwarf_attr(root, name, &attribute) != nullptr && dwarf_formudata(&attribute, &base) == 0) break;
    }
    return whole.subspan(std::min<size_t>(base, whole.size()));
  };
  return {from(".debug_addr", {DW_AT_addr_base, DW_AT_GNU_addr_base}),
          from(".debug_ranges", {DW_AT_GNU_ranges_base})};
}

bool DebugInfo::take_from_package(Unit& unit, uint64_t id) {
  if (!std::exchange(package_opened_, true)) package_ = SplitPackage::open(file_.path() + ".dwp");
  if (!package_) return false;
  auto file = package_->unit(id, in_program(&unit.root));
  Dwarf* dwarf = file ? dwarf_begin_elf(file->elf(), DWARF_C_READ, nullptr) : nullptr;
  if (dwarf == nullptr) return false;
  taken_.push_back({std::move(*file), dwarf});
  Dwarf_CU* cu = nullptr;
  return dwarf_get_units(dwarf, nullptr, &cu, nullptr, nullptr, &unit.split, nullptr) == 0;
}

void DebugInfo::walk(Unit& unit) {
  if (unit.walked) return;
  unit.walked = true;
  open_split(unit);
  walk_children(unit, unit.split, RangeMap::kNothing, "");
  unit.at.finish();
}

// `scope` is the function around, `enclosing` the namespaces and types.
void DebugInfo::walk_children(Unit& unit, Dwarf_Die parent, uint32_t scope, const std::string& enclosing) {
  Dwarf_Die die;
  if (dwarf_child(&parent, &die) != 0) return;
  do {
    switch (dwarf_tag(&die)) {
      case DW_TAG_namespace: {
        const std::string_view name = short_name(&die);
        walk_children(unit, die, scope,
                      enclosing + std::string(name.empty() ? "(anonymous namespace)" : name) + "::");
        break;
      }
      case DW_TAG_class_type:
      case DW_TAG_structure_type:
      case DW_TAG_union_type: {
        const std::string_view name = short_name(&die);
        walk_children(unit, die, scope, enclosing + std::string(name.empty() ? "(unnamed)" : name) + "::");
        break;
      }
      case DW_TAG_subprogram:
      case DW_TAG_inlined_subroutine: {
        const bool inlined = dwarf_tag(&die) == DW_TAG_inlined_subroutine;
        const auto inner = static_cast<uint32_t>(unit.scopes.size());
        unit.scopes.push_back({die, inlined ? scope : RangeMap::kNothing, number(&die, DW_AT_call_file),
                               number(&die, DW_AT_call_line)});
        cover(unit.at, &die, inner);
        const bool declared_here = !inlined && !dwarf_hasattr(&die, DW_AT_abstract_origin) &&
                                   !dwarf_hasattr(&die, DW_AT_specification);
        if (declared_here && !enclosing.empty() && linkage_name(&die).empty()) {
          unit.enclosing[die.addr] = enclosing;
        }
        // What is declared inside a function (a lambda's operator(), say) is named after it.
        walk_children(unit, die, inner,
                      declared_here ? enclosing + std::string(short_name(&die)) + "::" : enclosing);
        break;
      }
      case DW_TAG_lexical_block:
      case DW_TAG_try_block:
      case DW_TAG_catch_block:
      case DW_TAG_module:
        walk_children(unit, die, scope, enclosing);
        break;
      default:
        break;
    }
  } while (dwarf_siblingof(&die, &die) == 0);
}

// --- names

DebugInfo::Unit* DebugInfo::unit_of(Dwarf_Die die) {
  Dwarf_Die root;
  if (dwarf_diecu(&die, &root, nullptr, nullptr) == nullptr) return nullptr;
  Unit*& unit = unit_by_root_[root.addr];
  if (unit == nullptr) {  // of the shared file
    unit = &units_.emplace_back();
    unit->root = root;
    unit->split = root;
  }
  return unit;
}

DebugInfo::Name DebugInfo::make_name(Dwarf_Die die) {
  if (const std::string_view linked = linkage_name(&die); !linked.empty()) return {demangle(linked), true};
  std::string name(short_name(&die));
  Dwarf_Die declaration = declaration_of(die);
  if (Unit* unit = unit_of(declaration)) {
    walk(*unit);
    const auto found = unit->enclosing.find(declaration.addr);
    if (found != unit->enclosing.end()) name.insert(0, found->second);
  }
  return {name, false};
}

const DebugInfo::Name& DebugInfo::name_of(Dwarf_Die die) {
  const auto [entry, is_new] = names_.try_emplace(die.addr);
  if (is_new) entry->second = make_name(die);
  return entry->second;
}

// --- the lookup

// Of a function that is not inlined: the linker knows the parameters that DWARF did not tell.
std::string DebugInfo::name_of_outermost(Dwarf_Die die, std::string_view symbol) {
  const Name& name = name_of(die);
  if (name.complete || !symbol.starts_with("_Z")) return name.text;
  const std::string linked = demangle(symbol);
  const size_t parameters = linked.find(name.text + "(");  // several functions may share one symbol's code
  return parameters == std::string::npos ? name.text : linked.substr(0, linked.find(" [clone "));
}

std::vector<SourceFrame> DebugInfo::frames_at(uint64_t address, std::string_view symbol) {
  const uint32_t unit_index = unit_at_.find(address);
  if (unit_index == RangeMap::kNothing) return {};
  Unit& unit = units_[unit_index];
  walk(unit);
  // The line belongs to the innermost function; each function further out stands at its call.
  SourceFrame frame;
  if (Dwarf_Line* line = dwarf_getsrc_die(&unit.root, address)) {
    int line_number = 0;
    dwarf_lineno(line, &line_number);
    frame.line = static_cast<uint32_t>(line_number);
    if (const char* path = dwarf_linesrc(line, nullptr, nullptr)) frame.file = path;
  }
  std::vector<SourceFrame> frames;
  for (uint32_t at = unit.at.find(address); at != RangeMap::kNothing && frames.size() < kMaxInlineDepth;) {
    const Scope& scope = unit.scopes[at];
    frame.inlined = scope.parent != RangeMap::kNothing;
    frame.function = frame.inlined ? name_of(scope.die).text : name_of_outermost(scope.die, symbol);
    frames.push_back(frame);
    frame.file = source_file(&unit.split, scope.call_file);
    frame.line = scope.call_line;
    at = scope.parent;
  }
  if (frames.empty() && !frame.file.empty()) frames.push_back(frame);  // assembly: lines without functions
  return frames;
}

}  // namespace leakhunt::symbols
