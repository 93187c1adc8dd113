// debug_info: an address to its functions and source lines, from DWARF. Called by the symbolizer, once a
// module.
//
// libdw decodes; the lookup is ours. dwarf_addrdie() needs .debug_aranges, which clang does not write, and
// dwarf_getscopes() walks the whole unit again for every address. Here each unit is walked once, when the
// first address in it is asked for, and becomes a flat map that a binary search answers:
//
//   unit    [0x1000, 0x1200)──────────────────────────────[0x5000, 0x5040)──
//   scope   [f      |g in f |h in g in f |g in f|f      ] [f.cold          ]     the innermost one at each
//   address
#pragma once

#include <elfutils/libdw.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/recording/run.h"
#include "lib/symbols/elf_file.h"
#include "lib/symbols/split_package.h"

namespace leakhunt::symbols {

using recording::SourceFrame;

// A value for every address, constant between two starts. Later ranges cover earlier ones.
class RangeMap {
 public:
  static constexpr uint32_t kNothing = UINT32_MAX;

  void cover(uint64_t begin, uint64_t end, uint32_t value) { ranges_.push_back({begin, end, value}); }
  // After the last cover().
  void finish();
  // O(log n); kNothing outside all ranges.
  uint32_t find(uint64_t address) const;

 private:
  struct Range {
    uint64_t begin, end;
    uint32_t value;
  };
  struct Start {
    uint64_t at;
    uint32_t value;
  };
  std::vector<Range> ranges_;  // empty after finish()
  std::vector<Start> starts_;  // sorted
};

class DebugInfo {
 public:
  // Null when the file has no debug information. `file` must outlive it, and `shared` too: the file that dwz
  // moved common parts of several programs to (.gnu_debugaltlink); null when there is none.
  static std::unique_ptr<DebugInfo> open(const ElfFile& file, const ElfFile* shared);
  ~DebugInfo();
  DebugInfo(const DebugInfo&) = delete;
  DebugInfo& operator=(const DebugInfo&) = delete;

  // Innermost first; empty when no unit describes the address. `symbol` is the linker's name there, or empty:
  // it carries the parameters of functions to which DWARF gives only a short name.
  std::vector<SourceFrame> frames_at(uint64_t address, std::string_view symbol);

 private:
  struct Scope {  // a function, or one inlined into `parent`
    Dwarf_Die die{};
    uint32_t parent = RangeMap::kNothing;
    uint32_t call_file = 0;
    uint32_t call_line = 0;
  };
  // A DIE by its place in memory: one unit may refer into another file.
  using DieKey = const void*;
  struct Unit {
    Dwarf_Die root{};   // has the line table
    Dwarf_Die split{};  // has the functions: the root, or what -gsplit-dwarf wrote into a .dwo file
    bool walked = false;
    std::vector<Scope> scopes;
    RangeMap at;
    std::unordered_map<DieKey, std::string> enclosing;  // "ns::Type::" of functions without a linkage name
  };

  DebugInfo(const ElfFile& file, Dwarf* dwarf, Dwarf* shared) : file_(file), dwarf_(dwarf), shared_(shared) {}
  void index_units();
  void open_split(Unit& unit);
  bool take_from_package(Unit& unit, uint64_t id);
  SplitPackage::InProgram in_program(Dwarf_Die* root) const;
  void walk(Unit& unit);
  void walk_children(Unit& unit, Dwarf_Die parent, uint32_t scope, const std::string& enclosing);
  struct Name {
    std::string text;
    bool complete =
        false;  // with parameters, from a linkage name; otherwise the short one with what encloses it
  };
  const Name& name_of(Dwarf_Die die);
  std::string name_of_outermost(Dwarf_Die die, std::string_view symbol);
  Name make_name(Dwarf_Die die);
  Unit* unit_of(Dwarf_Die die);

  const ElfFile& file_;
  Dwarf* dwarf_;
  Dwarf* shared_;
  std::optional<SplitPackage> package_;
  bool package_opened_ = false;
  struct TakenUnit {
    ElfFile file;
    Dwarf* dwarf;
  };
  std::vector<TakenUnit> taken_;  // out of the package
  std::deque<Unit> units_;        // those of the shared file are added as they are referred to
  RangeMap unit_at_;
  std::unordered_map<DieKey, Unit*> unit_by_root_;
  std::unordered_map<DieKey, Name> names_;  // by the scope's DIE
};

}  // namespace leakhunt::symbols
