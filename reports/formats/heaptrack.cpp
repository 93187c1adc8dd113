// heaptrack's own file, version 3, gzipped: for heaptrack_print and heaptrack_gui. It is a sequence of
// events, one line an allocation; we know how many there were between two snapshots and how many bytes in
// all, so blocks of one site and snapshot are as equal in size as they can be. Calls, bytes, peaks at
// snapshots and what is left are exact.
//
//   v 10400 3          version of heaptrack and of the file        c 1f4   milliseconds from here on
//   X program --small  command line                                R 3e8   resident pages
//   s 4 main           strings, from 1, with their length          a 40 2  from 0: a size at a trace
//   i 4011b0 1 2 3 a   address, module, then function, file and    + 1     allocated, - 1 freed
//                      line of each inlined frame, innermost first
//   t 1 0              a trace: an address and the trace around it
//
// All numbers are hexadecimal. Between two snapshots the frees come first, then what was temporary, then what
// stays: so no peak is higher than the true one. Definition: KDE heaptrack,
// src/analyze/accumulatedtracedata.cpp.
#include <algorithm>
#include <map>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "reports/formats/escape.h"
#include "reports/formats/formats.h"
#include "reports/formats/gzip.h"
#include "reports/formats/labels.h"
#include "reports/formats/locations.h"

namespace leakhunt::reports {

namespace {

using recording::Counters;

// Above that many lines temporary allocations are left out, and a comment in the file says so.
constexpr uint64_t kMostEvents = 20'000'000;

struct Blocks {
  uint64_t count = 0;
  uint64_t bytes = 0;
};

// What was allocated and freed between the same two snapshots. Counters::temporary_blocks is of one
// iteration, and a snapshot at a peak cuts an iteration: some of it may have been allocated before. What is
// left of either side has blocks where it has bytes.
Blocks temporaries_of(const Counters& c) {
  if (c.temporary_blocks == 0) return {};
  const double size = static_cast<double>(c.temporary_bytes) / static_cast<double>(c.temporary_blocks);
  const auto some = [&](uint64_t count) {
    const bool all = count == c.temporary_blocks;
    const uint64_t bytes = all ? c.temporary_bytes : static_cast<uint64_t>(size * static_cast<double>(count));
    return Blocks{count, count == 0 ? 0 : std::min({bytes, c.allocated_bytes, c.freed_bytes})};
  };
  const uint64_t count = std::min({c.temporary_blocks, c.allocations, c.frees});
  Blocks blocks = some(count);
  if (count == c.allocations || count == c.frees) blocks.bytes = std::min(c.allocated_bytes, c.freed_bytes);
  const bool fits = (count < c.allocations || blocks.bytes == c.allocated_bytes) &&
                    (count < c.frees || blocks.bytes == c.freed_bytes);
  return fits || count == 0 ? blocks : some(count - 1);
}

Blocks less(uint64_t count, uint64_t bytes, const Blocks& part) {
  return {count - part.count, bytes - part.bytes};
}

class HeaptrackFile {
 public:
  HeaptrackFile(const Report& report, std::ostream& out)
      : report_(report), locations_(report), gzip_(out), traces_of_sites_(report.run->sites.size(), 0) {}

  void write() {
    const recording::Run& run = *report_.run;
    line("v 10400 3");
    line("X " + command_label(run));
    line(fmt::format("I {:x} 0", run.process.page_size));
    line("a 0 0");  // to heaptrack the allocation 0 is none
    with_temporaries_ = events() <= kMostEvents;
    if (!with_temporaries_) line("# temporary allocations are left out: there are too many");
    std::vector<size_t> next(run.sites.size(), 0);
    for (size_t snapshot = 0; snapshot < run.snapshots.size(); ++snapshot) write_snapshot(snapshot, next);
    gzip_.finish();
  }

 private:
  void line(const std::string& text) { gzip_.write(text + '\n'); }

  bool is_heap(size_t site) const { return report_.run->sites[site].kind == recording::SiteKind::kBlock; }

  uint64_t events() const {
    uint64_t count = 0;
    for (size_t i = 0; i < report_.run->sites.size(); ++i) {
      const Counters& total = report_.run->sites[i].total;
      if (is_heap(i)) count += total.allocations + total.frees;
    }
    return count;
  }

  void write_snapshot(size_t index, std::vector<size_t>& next) {
    const recording::Run& run = *report_.run;
    std::vector<std::pair<size_t, const Counters*>> active;
    for (size_t site = 0; site < run.sites.size(); ++site) {
      const recording::Series& series = run.sites[site].series;
      size_t& at = next[site];
      while (at < series.size() && series[at].first + series[at].snapshots <= index) ++at;
      if (is_heap(site) && at < series.size() && series[at].first <= index)
        active.emplace_back(site, &series[at].each);
    }
    latest_ms_ = std::max(latest_ms_, run.snapshots[index].time_ns / 1'000'000);
    line(fmt::format("c {:x}", latest_ms_));
    for (const auto& [site, c] : active)
      blocks(site, '-', less(c->frees, c->freed_bytes, temporaries_of(*c)));
    for (const auto& [site, c] : active) {
      if (with_temporaries_) blocks(site, 't', temporaries_of(*c));
    }
    for (const auto& [site, c] : active)
      blocks(site, '+', less(c->allocations, c->allocated_bytes, temporaries_of(*c)));
    line(
        fmt::format("R {:x}", run.snapshots[index].rss_bytes / std::max<uint64_t>(1, run.process.page_size)));
  }

  // `kind`: '+', '-', or 't' for both at once.
  void blocks(size_t site, char kind, Blocks blocks) {
    if (blocks.count == 0) return;
    const uint64_t size = blocks.bytes / blocks.count;
    const uint64_t larger = blocks.bytes % blocks.count;
    repeat(site, kind, size, blocks.count - larger);
    repeat(site, kind, size + 1, larger);
  }

  void repeat(size_t site, char kind, uint64_t size, uint64_t count) {
    if (count == 0) return;
    // What is freed refers to a twin: to heaptrack a block that is freed as the last one of its kind was
    // allocated would be temporary.
    const size_t info = allocation_info(site, size, kind == '-');
    std::string text;
    if (kind != '-') text += fmt::format("+ {:x}\n", info);
    if (kind != '+') text += fmt::format("- {:x}\n", info);
    for (; count > 0; --count) gzip_.write(text);
  }

  size_t allocation_info(size_t site, uint64_t size, bool freed) {
    const size_t trace = trace_of(site);
    const auto [found, added] = infos_.try_emplace({trace, size, freed}, infos_.size() + 1);
    if (added) line(fmt::format("a {:x} {:x}", size, trace));
    return found->second;
  }

  // From the tag inwards; traces that begin alike share their beginning.
  size_t trace_of(size_t site) {
    if (traces_of_sites_[site] != 0) return traces_of_sites_[site];
    std::vector<size_t> stack = locations_.of_site(static_cast<recording::SiteId>(site));
    stack.push_back(locations_.of_tag(report_.run->sites[site].tag));
    size_t trace = 0;
    for (auto location = stack.rbegin(); location != stack.rend(); ++location) {
      const size_t ip = instruction_pointer(*location);
      const auto [found, added] = traces_.try_emplace({ip, trace}, traces_.size() + 1);
      if (added) line(fmt::format("t {:x} {:x}", ip, trace));
      trace = found->second;
    }
    traces_of_sites_[site] = trace;
    return trace;
  }

  size_t instruction_pointer(size_t location) {
    const auto known = pointers_.find(location);
    if (known != pointers_.end()) return known->second;
    const Location& at = locations_.all()[location];
    const std::string module = at.frames.empty() ? "" : at.frames.front().module;
    std::string text = fmt::format("i {:x} {:x}", at.address, string(escape_line(module)));
    if (at.frames.empty()) text += fmt::format(" {:x} 0 0", string(at.name));
    for (const StackFrame& frame : at.frames) {
      text += fmt::format(" {:x} {:x} {:x}", string(escape_line(frame_name(frame))),
                          string(file_label(frame)), frame.line);
    }
    line(text);
    return pointers_.emplace(location, pointers_.size() + 1).first->second;
  }

  size_t string(const std::string& text) {
    if (text.empty()) return 0;
    const auto [found, added] = strings_.try_emplace(text, strings_.size() + 1);
    if (added) line(fmt::format("s {:x} {}", text.size(), text));
    return found->second;
  }

  const Report& report_;
  Locations locations_;
  GzipWriter gzip_;
  bool with_temporaries_ = true;
  uint64_t latest_ms_ = 0;
  std::map<std::string, size_t> strings_;
  std::map<size_t, size_t> pointers_;                   // by location
  std::map<std::pair<size_t, size_t>, size_t> traces_;  // by address and the trace around it
  std::vector<size_t> traces_of_sites_;
  std::map<std::tuple<size_t, uint64_t, bool>, size_t> infos_;
};

}  // namespace

void write_heaptrack(const Report& report, std::ostream& out) {
  HeaptrackFile(report, out).write();
}

}  // namespace leakhunt::reports
