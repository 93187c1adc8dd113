// The older heap profile of gperftools, with its symbols in front: google-pprof and jeprof read it without
// the program.
//
//   --- symbol
//   binary=program
//   0x4011af Arena::new_chunk           one byte before the return address; what was inlined there is joined
//   by
//   ---                                 --, innermost first
//   heap profile: blocks: bytes [allocations: bytes] @ heapprofile
//   2: 4096 [7: 8192] @ 0x4011af 0x401300 ...
//   MAPPED_LIBRARIES:
//   00400000-00500000 r-xp 00000000 00:00 0 program
//
// What has no address (tags, places whose inner part is the allocator's) has one of the first page, where no
// code is.
#include <algorithm>
#include <ostream>
#include <set>
#include <string>

#include <fmt/format.h>

#include "reports/formats/escape.h"
#include "reports/formats/formats.h"
#include "reports/formats/labels.h"
#include "reports/formats/locations.h"

namespace leakhunt::reports {

namespace {

// google-pprof splits names at "--".
std::string symbol_name(std::string name) {
  for (size_t at = 0; (at = name.find("--", at)) != std::string::npos; at += 2) name.insert(at + 1, " ");
  return name;
}

std::string symbol_of(const Location& location) {
  if (location.frames.empty()) return symbol_name(location.name);
  std::string text;
  for (const StackFrame& frame : location.frames)
    text += (text.empty() ? "" : "--") + symbol_name(function_label(frame));
  return text;
}

// The address of each location as its symbol has it: distinct, since a part of a location is one of its own.
std::vector<uint64_t> symbol_addresses(const std::vector<Location>& locations) {
  std::vector<uint64_t> addresses;
  std::set<uint64_t> seen;
  for (const Location& location : locations) {
    const bool taken = !seen.insert(location.address).second;
    const bool synthetic = location.address == 0 || taken;
    addresses.push_back(synthetic ? addresses.size() + 1 : location.address - 1);
  }
  return addresses;
}

int64_t not_negative(int64_t value) {
  return std::max<int64_t>(value, 0);
}

void write_modules(const recording::Run& run, std::ostream& out) {
  out << "\nMAPPED_LIBRARIES:\n";
  for (const recording::Module& module : run.modules) {
    out << fmt::format("{:08x}-{:08x} r-xp {:08x} 00:00 0 {}\n", module.begin, module.end,
                       module.begin - module.bias, escape_line(module.path));
  }
}

}  // namespace

void write_pprof_text(const Report& report, const Moment& moment, std::ostream& out) {
  const Profile profile = make_profile(report, moment);
  Locations locations(report);
  std::vector<std::vector<size_t>> stacks;
  int64_t blocks = 0;
  int64_t bytes = 0;
  for (const ProfileRow& row : profile.rows) {
    stacks.push_back(locations.of_site(row.site));
    stacks.back().push_back(locations.of_tag(report.run->sites[static_cast<size_t>(row.site)].tag));
    blocks += not_negative(row.blocks);
    bytes += not_negative(row.bytes);
  }
  const std::vector<uint64_t> addresses = symbol_addresses(locations.all());
  std::string program = report.run->process.executable;
  program.erase(0, program.rfind('/') + 1);
  out << "--- symbol\nbinary=" << (program.empty() ? "program" : escape_line(program)) << '\n';
  for (size_t i = 0; i < addresses.size(); ++i)
    out << fmt::format("0x{:016x} {}\n", addresses[i], symbol_of(locations.all()[i]));
  out << "---\n";
  out << fmt::format("heap profile: {}: {} [{}: {}] @ heapprofile\n", blocks, bytes, profile.allocations,
                     profile.allocated_bytes);
  for (size_t i = 0; i < stacks.size(); ++i) {
    const ProfileRow& row = profile.rows[i];
    out << fmt::format("{}: {} [{}: {}] @", not_negative(row.blocks), not_negative(row.bytes),
                       row.counters.allocations, row.counters.allocated_bytes);
    for (const size_t location : stacks[i]) out << fmt::format(" 0x{:016x}", addresses[location]);
    out << '\n';
  }
  write_modules(*report.run, out);
}

}  // namespace leakhunt::reports
