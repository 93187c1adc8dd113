#include "reports/analysis/ledger.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <utility>

#include "reports/analysis/cut.h"

namespace leakhunt::reports {

namespace {

using recording::LedgerEntry;
using recording::LedgerKind;
using recording::MemoryLedger;
using recording::SiteKind;

struct PartWords {
  std::string_view title;
  std::string_view key;
};
constexpr std::array<PartWords, static_cast<size_t>(LedgerPart::kUnexplained) + 1> kWords = {{
    {"live blocks with a tag", "tagged_blocks"},
    {"live blocks without a tag", "untagged_blocks"},
    {"headers and rounding of live blocks", "rounding"},
    {"holes between live blocks", "holes"},
    {"heap pages without a live block", "free_pages"},
    {"thread stacks", "thread_stacks"},
    {"stacks of ended threads", "idle_stacks"},
    {"main stack", "main_stack"},
    {"mapped anonymous memory", "mappings"},
    {"shared memory", "shared_memory"},
    {"files, clean", "files_clean"},
    {"files, written to", "files_dirty"},
    {"modules, as in their files", "module_code"},
    {"modules, written to", "module_data"},
    {"the kernel's", "kernel"},
    {"from before the recording", "older"},
    {"the tracker", "tracker"},
    {"unexplained", "unexplained"},
}};

int64_t signed_of(uint64_t bytes) {
  return static_cast<int64_t>(std::min<uint64_t>(bytes, INT64_MAX / 4));
}

constexpr std::array<std::string_view, 5> kRegionNames = {"the break", "arenas", "large blocks, mapped alone",
                                                          "mapped by the allocator", "found by its blocks"};

void sort_items(std::vector<LedgerItem>& items) {
  std::stable_sort(items.begin(), items.end(), [](const LedgerItem& a, const LedgerItem& b) {
    return a.resident_bytes != b.resident_bytes ? a.resident_bytes > b.resident_bytes
                                                : a.reserved_bytes > b.reserved_bytes;
  });
}

// Makes the lines of one recorded ledger.
class Books {
 public:
  Books(const recording::Run& run, const MemoryLedger& recorded) : run_(run), recorded_(recorded) {}

  Ledger close() {
    ledger_.measured = true;
    ledger_.snapshot = recorded_.snapshot;
    ledger_.iteration = recorded_.iteration;
    ledger_.rss_bytes = signed_of(recorded_.rss_bytes);
    ledger_.counter_rss_bytes = signed_of(recorded_.counter_rss_bytes);
    ledger_.cost_ns = recorded_.cost_ns;
    ledger_.older_heap = recorded_.older_heap;
    ledger_.heap_examined = recorded_.heap_examined;
    for (const LedgerEntry& entry : merged_entries()) take(entry);
    take_sites();
    split_heap();
    finish();
    return std::move(ledger_);
  }

 private:
  // The target may have written several lines of the same.
  std::vector<LedgerEntry> merged_entries() const {
    std::map<std::tuple<LedgerKind, uint64_t, std::string>, LedgerEntry> merged;
    for (const LedgerEntry& entry : recorded_.entries) {
      LedgerEntry& sum = merged[{entry.kind, entry.id, entry.name}];
      sum.kind = entry.kind;
      sum.id = entry.id;
      sum.name = entry.name;
      sum.count += entry.count;
      sum.reserved_bytes += entry.reserved_bytes;
      sum.resident_bytes += entry.resident_bytes;
      sum.dirty_bytes += entry.dirty_bytes;
    }
    std::vector<LedgerEntry> entries;
    for (auto& [key, entry] : merged) entries.push_back(std::move(entry));
    return entries;
  }

  LedgerLine& line(LedgerPart part) {
    LedgerLine& line = lines_[static_cast<size_t>(part)];
    line.part = part;
    return line;
  }

  static void add(LedgerLine& line, LedgerItem item) {
    line.count += item.count;
    line.reserved_bytes += item.reserved_bytes;
    line.resident_bytes += item.resident_bytes;
    line.items.push_back(std::move(item));
  }

  static LedgerItem item_of(const LedgerEntry& entry) {
    LedgerItem item;
    item.name = entry.name;
    item.count = entry.count;
    item.reserved_bytes = signed_of(entry.reserved_bytes);
    item.resident_bytes = signed_of(entry.resident_bytes);
    return item;
  }

  std::string tag_name(uint64_t tag) const { return tag < run_.tags.size() ? run_.tags[tag].name : "?"; }

  void take(const LedgerEntry& entry) {
    LedgerItem item = item_of(entry);
    switch (entry.kind) {
      case LedgerKind::kTagBlocks:
        item.name = tag_name(entry.id);
        item.tag = recording::TagId{static_cast<uint32_t>(entry.id)};
        return add(
            line(*item.tag == recording::kHeapTag ? LedgerPart::kUntaggedBlocks : LedgerPart::kTaggedBlocks),
            std::move(item));
      case LedgerKind::kHeapRegion:
        item.name = entry.id < kRegionNames.size() ? kRegionNames[entry.id] : "?";
        heap_resident_ += item.resident_bytes;
        heap_reserved_ += item.reserved_bytes;
        return ledger_.heap_regions.push_back(std::move(item));
      case LedgerKind::kThreadStack:
        item.thread = static_cast<uint32_t>(entry.id);
        if (const auto thread = run_.threads.find(*item.thread); thread != run_.threads.end())
          item.name = thread->second.name;
        return add(line(LedgerPart::kThreadStacks), std::move(item));
      case LedgerKind::kIdleStack:
        return add(line(LedgerPart::kIdleStacks), std::move(item));
      case LedgerKind::kMainStack:
        return add(line(LedgerPart::kMainStack), std::move(item));
      case LedgerKind::kTagMappings:
        item.name = tag_name(entry.id);
        item.tag = recording::TagId{static_cast<uint32_t>(entry.id)};
        return add(line(LedgerPart::kMappings), std::move(item));
      case LedgerKind::kSharedMemory:
        return add(line(LedgerPart::kSharedMemory), std::move(item));
      case LedgerKind::kFile:
        return add_file(entry, LedgerPart::kFilesClean, LedgerPart::kFilesDirty);
      case LedgerKind::kModule:
        return add_file(entry, LedgerPart::kModuleCode, LedgerPart::kModuleData);
      case LedgerKind::kKernel:
        return add(line(LedgerPart::kKernel), std::move(item));
      case LedgerKind::kOlder:
        return add(line(LedgerPart::kOlder), std::move(item));
      case LedgerKind::kTracker:
        ledger_.tracker_bytes += item.resident_bytes;
        return add(line(LedgerPart::kTracker), std::move(item));
      case LedgerKind::kUnknown:
        unknown_.push_back(std::move(item));
    }
  }

  // What was written to is in one line, the rest in another; the address space counts with the rest.
  void add_file(const LedgerEntry& entry, LedgerPart clean, LedgerPart dirty) {
    LedgerItem written = item_of(entry);
    LedgerItem rest = written;
    written.resident_bytes = std::min(signed_of(entry.dirty_bytes), written.resident_bytes);
    written.reserved_bytes = written.resident_bytes;
    rest.resident_bytes -= written.resident_bytes;
    rest.reserved_bytes = std::max<int64_t>(0, rest.reserved_bytes - written.reserved_bytes);
    if (written.resident_bytes > 0) add(line(dirty), std::move(written));
    if (rest.reserved_bytes > 0 || rest.resident_bytes > 0) add(line(clean), std::move(rest));
  }

  void take_sites() {
    for (const recording::LedgerSite& row : recorded_.sites) {
      const size_t index = static_cast<size_t>(row.site);
      if (index >= run_.sites.size()) continue;
      const recording::CallSite& site = run_.sites[index];
      if (site.kind == SiteKind::kNested) continue;
      LedgerItem item;
      item.site = row.site;
      item.tag = site.tag;
      item.count = row.count;
      item.reserved_bytes = signed_of(row.reserved_bytes);
      item.resident_bytes = signed_of(row.resident_bytes);
      const bool mapped = site.kind == SiteKind::kMapping;
      line(mapped                            ? LedgerPart::kMappings
           : site.tag == recording::kHeapTag ? LedgerPart::kUntaggedBlocks
                                             : LedgerPart::kTaggedBlocks)
          .sites.push_back(std::move(item));
    }
  }

  // The allocator's resident memory is live, free by the page, or something in between.
  void split_heap() {
    const int64_t live =
        line(LedgerPart::kTaggedBlocks).resident_bytes + line(LedgerPart::kUntaggedBlocks).resident_bytes;
    ledger_.heap_bytes =
        line(LedgerPart::kTaggedBlocks).reserved_bytes + line(LedgerPart::kUntaggedBlocks).reserved_bytes;
    if (!recorded_.heap_examined) {
      LedgerLine& untold = line(LedgerPart::kFreePages);
      untold.resident_bytes = std::max<int64_t>(0, heap_resident_ - live);
      untold.reserved_bytes = std::max<int64_t>(0, heap_reserved_ - ledger_.heap_bytes);
      return;
    }
    const int64_t between = std::max<int64_t>(0, heap_resident_ - live);
    const int64_t free = std::min(signed_of(recorded_.free_page_bytes), between);
    const int64_t rounding =
        recorded_.libc_heap ? std::min(signed_of(recorded_.rounding_bytes), between - free) : 0;
    LedgerLine& free_pages = line(LedgerPart::kFreePages);
    free_pages.resident_bytes = free;
    free_pages.reserved_bytes = std::max(free, heap_reserved_ - ledger_.heap_bytes - (between - free));
    line(LedgerPart::kRounding).resident_bytes = rounding;
    line(LedgerPart::kRounding).reserved_bytes = rounding;
    line(LedgerPart::kHoles).resident_bytes = between - free - rounding;
    line(LedgerPart::kHoles).reserved_bytes = between - free - rounding;
  }

  void finish() {
    int64_t explained = 0;
    for (LedgerLine& each : lines_) {
      explained += each.resident_bytes;
      sort_items(each.items);
      sort_items(each.sites);
    }
    LedgerLine& rest = line(LedgerPart::kUnexplained);
    for (LedgerItem& item : unknown_) {
      rest.count += item.count;
      rest.reserved_bytes += item.reserved_bytes;
      if (!item.name.empty()) rest.items.push_back(std::move(item));
    }
    sort_items(rest.items);
    rest.resident_bytes = ledger_.rss_bytes - explained;
    ledger_.unexplained_bytes = rest.resident_bytes;
    ledger_.mapping_bytes = line(LedgerPart::kMappings).reserved_bytes;
    for (const LedgerPart shared : {LedgerPart::kSharedMemory, LedgerPart::kFilesClean,
                                    LedgerPart::kFilesDirty, LedgerPart::kModuleCode, LedgerPart::kKernel})
      ledger_.shared_bytes += line(shared).resident_bytes;
    for (LedgerLine& each : lines_) {
      if (each.resident_bytes != 0 || each.reserved_bytes != 0 || each.part == LedgerPart::kUnexplained)
        ledger_.lines.push_back(std::move(each));
    }
    sort_items(ledger_.heap_regions);
  }

  const recording::Run& run_;
  const MemoryLedger& recorded_;
  Ledger ledger_;
  std::array<LedgerLine, static_cast<size_t>(LedgerPart::kUnexplained) + 1> lines_ = {};
  std::vector<LedgerItem> unknown_;
  int64_t heap_resident_ = 0;
  int64_t heap_reserved_ = 0;
};

void add_rough_line(Ledger& ledger, LedgerPart part, int64_t bytes) {
  if (bytes == 0 && part != LedgerPart::kUnexplained) return;
  LedgerLine line;
  line.part = part;
  line.reserved_bytes = bytes;
  line.resident_bytes = bytes;
  ledger.lines.push_back(std::move(line));
}

// From the counters alone: live memory is taken for resident.
Ledger rough_ledger(const recording::Run& run, const GrowthMap& growth, size_t at) {
  Ledger ledger;
  ledger.snapshot = at;
  const recording::Snapshot& snapshot = run.snapshots[at];
  ledger.iteration = snapshot.iteration;
  ledger.rss_bytes = signed_of(snapshot.rss_bytes);
  ledger.counter_rss_bytes = ledger.rss_bytes;
  ledger.heap_bytes = growth.heap_bytes[at];
  ledger.mapping_bytes = growth.mapping_bytes[at];
  ledger.shared_bytes = signed_of(snapshot.shared_bytes);
  ledger.tracker_bytes = signed_of(snapshot.tracker_bytes);
  ledger.unexplained_bytes = ledger.rss_bytes - ledger.heap_bytes - ledger.mapping_bytes -
                             ledger.shared_bytes - ledger.tracker_bytes;
  int64_t tagged = 0;
  for (const recording::CallSite& site : run.sites) {
    if (site.kind != SiteKind::kBlock || site.tag == recording::kHeapTag) continue;
    const recording::Counters counters = counters_at(site.series, at);
    tagged += static_cast<int64_t>(counters.allocated_bytes - counters.freed_bytes);
  }
  add_rough_line(ledger, LedgerPart::kTaggedBlocks, tagged);
  add_rough_line(ledger, LedgerPart::kUntaggedBlocks, ledger.heap_bytes - tagged);
  add_rough_line(ledger, LedgerPart::kMappings, ledger.mapping_bytes);
  add_rough_line(ledger, LedgerPart::kModuleCode, ledger.shared_bytes);
  add_rough_line(ledger, LedgerPart::kTracker, ledger.tracker_bytes);
  add_rough_line(ledger, LedgerPart::kUnexplained, ledger.unexplained_bytes);
  return ledger;
}

}  // namespace

const LedgerLine* Ledger::line(LedgerPart part) const {
  const auto found =
      std::find_if(lines.begin(), lines.end(), [&](const LedgerLine& each) { return each.part == part; });
  return found == lines.end() ? nullptr : &*found;
}

int64_t Ledger::resident(LedgerPart part) const {
  const LedgerLine* found = line(part);
  return found == nullptr ? 0 : found->resident_bytes;
}

std::string_view title_of(LedgerPart part) {
  return kWords[static_cast<size_t>(part)].title;
}

std::string_view key_of(LedgerPart part) {
  return kWords[static_cast<size_t>(part)].key;
}

Ledger ledger_at(const recording::Run& run, const GrowthMap& growth, size_t snapshot) {
  if (run.snapshots.empty()) return {};
  const MemoryLedger* nearest = nullptr;
  int error = 0;
  for (const MemoryLedger& each : run.ledgers) {
    if (each.error != 0) {
      error = each.error;
    } else if (nearest == nullptr || each.snapshot <= snapshot) {
      nearest = &each;
    }
  }
  if (nearest != nullptr) return Books(run, *nearest).close();
  Ledger ledger = rough_ledger(run, growth, std::min(snapshot, run.snapshots.size() - 1));
  if (error != 0) ledger.obstacle = std::string("/proc could not be read (") + std::strerror(error) + ")";
  return ledger;
}

Ledger make_ledger(const recording::Run& run, const Timeline& timeline, const GrowthMap& growth) {
  return ledger_at(run, growth, timeline.end_snapshot(run));
}

LedgerCost cost_of_ledgers(const recording::Run& run) {
  LedgerCost cost;
  for (const MemoryLedger& each : run.ledgers) {
    if (each.error != 0) continue;
    ++cost.taken;
    cost.cost_ns += each.cost_ns;
  }
  const uint64_t run_ns = run.snapshots.empty() ? 0 : run.snapshots.back().time_ns;
  if (run_ns != 0) cost.share_of_run = static_cast<double>(cost.cost_ns) / static_cast<double>(run_ns);
  return cost;
}

Ledger make_peak_ledger(const recording::Run& run, const Timeline& timeline, const GrowthMap& growth) {
  const MemoryLedger* most = nullptr;
  for (const MemoryLedger& each : run.ledgers) {
    if (each.error == 0 && (most == nullptr || each.rss_bytes > most->rss_bytes)) most = &each;
  }
  return most == nullptr ? make_ledger(run, timeline, growth) : Books(run, *most).close();
}

}  // namespace leakhunt::reports
