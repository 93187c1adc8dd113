// massif.out: the live heap over iterations (or milliseconds) for ms_print and massif-visualizer.
//
// mem_heap_B is the live bytes of kBlock sites. Mappings are left out: they are address space, as under
// massif without
// --pages-as-heap. mem_heap_extra_B (what the allocator has around and between live blocks) and mem_stacks_B
// are the resident bytes of the ledger before the snapshot; 0 where none was measured.
#include <algorithm>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "reports/analysis/cut.h"
#include "reports/formats/escape.h"
#include "reports/formats/formats.h"
#include "reports/formats/massif_tree.h"

namespace leakhunt::reports {

namespace {

constexpr size_t kMaxSnapshots = 100;  // massif's own default
constexpr size_t kDetailedEvery = 10;

size_t peak_index(const std::vector<int64_t>& heap) {
  return static_cast<size_t>(std::max_element(heap.begin(), heap.end()) - heap.begin());
}

// Indices into Run::snapshots: the first, the peak, the last, and evenly between.
std::vector<size_t> choose_snapshots(size_t count, size_t peak) {
  std::set<size_t> chosen = {0, peak, count - 1};
  const size_t wanted = std::min(count, kMaxSnapshots - 1);
  for (size_t i = 0; i < wanted; ++i) chosen.insert(i * (count - 1) / std::max<size_t>(1, wanted - 1));
  return {chosen.begin(), chosen.end()};
}

// Completed iterations at a snapshot, or its milliseconds. Never goes back.
std::vector<uint64_t> times_of(const Report& report, const std::vector<size_t>& chosen) {
  std::vector<uint64_t> times;
  uint64_t latest = 0;
  for (const size_t i : chosen) {
    const recording::Snapshot& snapshot = report.run->snapshots[i];
    const uint64_t completed =
        snapshot.iteration + (snapshot.kind == recording::SnapshotKind::kIteration ? 1 : 0);
    const bool iterations = report.timeline.clock == Clock::kIterations;
    latest = std::max(latest, iterations ? completed : snapshot.time_ns / 1'000'000);
    times.push_back(latest);
  }
  return times;
}

std::string command_line(const recording::Run& run) {
  std::string text;
  for (const std::string& word : run.process.command_line) text += (text.empty() ? "" : " ") + word;
  if (text.empty()) text = run.process.executable;
  text = escape_line(text);
  std::replace(text.begin(), text.end(), '#', ':');
  return text.empty() ? "(unknown)" : text;
}

// live[j][site]: live bytes of every site at detailed[j].
std::vector<std::vector<int64_t>> live_bytes_at(const recording::Run& run,
                                                const std::vector<size_t>& detailed) {
  std::vector<std::vector<int64_t>> live(detailed.size(), std::vector<int64_t>(run.sites.size()));
  for (size_t site = 0; site < run.sites.size(); ++site) {
    const std::vector<Live> values = live_at(run.sites[site].series, detailed);
    for (size_t j = 0; j < detailed.size(); ++j) live[j][site] = values[j].bytes;
  }
  return live;
}

struct Besides {
  int64_t extra = 0;
  int64_t stacks = 0;
};

Besides besides_at(const Report& report, size_t snapshot) {
  const std::vector<recording::MemoryLedger>& ledgers = report.run->ledgers;
  if (ledgers.empty() || ledgers.front().snapshot > snapshot) return {};
  const Ledger ledger = ledger_at(*report.run, report.growth, snapshot);
  if (!ledger.measured) return {};
  return {ledger.resident(LedgerPart::kRounding) + ledger.resident(LedgerPart::kHoles),
          ledger.resident(LedgerPart::kThreadStacks) + ledger.resident(LedgerPart::kMainStack)};
}

void write_header(std::ostream& out, size_t number, uint64_t time, int64_t heap, const Besides& besides) {
  out << fmt::format(
      "#-----------\nsnapshot={}\n#-----------\ntime={}\nmem_heap_B={}\nmem_heap_extra_B={}\nmem_stacks_B={}"
      "\n",
      number, time, std::max<int64_t>(heap, 0), besides.extra, besides.stacks);
}

}  // namespace

void write_massif(const Report& report, std::ostream& out) {
  const recording::Run& run = *report.run;
  const bool iterations = report.timeline.clock == Clock::kIterations;
  out << "desc: leakhunt: live heap by tag and call stack\n";
  out << "cmd: " << command_line(run) << "\ntime_unit: " << (iterations ? "i" : "ms") << '\n';
  if (run.snapshots.empty()) {
    write_header(out, 0, 0, 0, {});  // ms_print wants at least one
    out << "heap_tree=empty\n";
    return;
  }
  const std::vector<int64_t>& heap = report.growth.heap_bytes;
  const size_t peak = peak_index(heap);
  const std::vector<size_t> chosen = choose_snapshots(run.snapshots.size(), peak);
  const std::vector<uint64_t> times = times_of(report, chosen);

  std::vector<size_t> detailed;
  for (size_t i = 0; i < chosen.size(); ++i) {
    const bool tenth = i % kDetailedEvery == kDetailedEvery - 1;
    if (tenth || chosen[i] == peak || i + 1 == chosen.size()) detailed.push_back(chosen[i]);
  }
  const std::vector<std::vector<int64_t>> live = live_bytes_at(run, detailed);
  size_t next = 0;
  for (size_t i = 0; i < chosen.size(); ++i) {
    const Besides besides = besides_at(report, chosen[i]);
    if (next == detailed.size() || detailed[next] != chosen[i]) {
      write_header(out, i, times[i], heap[chosen[i]], besides);
      out << "heap_tree=empty\n";
      continue;
    }
    // No node may exceed its snapshot: after damage a site's live bytes can be negative, and the sum too
    // small.
    write_header(out, i, times[i], std::max(heap[chosen[i]], massif_tree_total(run, live[next])), besides);
    out << (chosen[i] == peak ? "heap_tree=peak\n" : "heap_tree=detailed\n");
    write_massif_tree(report, live[next], out);
    ++next;
  }
}

}  // namespace leakhunt::reports
