#include "reports/formats/held_blocks.h"

#include <algorithm>
#include <ostream>

#include <fmt/format.h>

#include "reports/analysis/held_blocks.h"
#include "reports/formats/labels.h"
#include "reports/formats/retention.h"
#include "reports/formats/text_tables.h"
#include "reports/formats/units.h"

namespace leakhunt::reports {

namespace {

using recording::Reach;
using recording::ReachCount;

constexpr size_t kLostShown = 10;
constexpr size_t kRootsShown = 5;
constexpr size_t kLongName = 40;

size_t index(auto id) {
  return static_cast<size_t>(id);
}

std::string blocks_text(const ReachCount& count) {
  return fmt::format("{} block{}", human_count(static_cast<int64_t>(count.blocks)),
                     count.blocks == 1 ? "" : "s");
}

std::string more(size_t count, const char* noun) {
  return fmt::format("  … and {} more {}{}\n", count, noun, count == 1 ? "" : "s");
}

// The line says in which file it is; the name need not.
std::string short_function(const StackFrame& frame) {
  constexpr std::string_view kAnonymous = "(anonymous namespace)::";
  std::string name = shorten_templates(function_label(frame), kLongName);
  if (name.starts_with(kAnonymous)) name.erase(0, kAnonymous.size());
  return name;
}

std::string short_source(const StackFrame& frame) {
  const std::string source = source_label(frame);
  const size_t slash = source.rfind('/');
  return slash == std::string::npos ? source : source.substr(slash + 1);
}

std::string bytes_text(const ReachCount& count) {
  return human_bytes(static_cast<int64_t>(count.bytes));
}

void write_sums(const HeldBlocks& blocks, std::ostream& out) {
  TextTable table({{"", false}, {"", true}, {"", true}});
  for (const Reach reach : {Reach::kDefinite, Reach::kIndirect, Reach::kPossible, Reach::kReachable}) {
    const ReachCount& count = blocks.held[index(reach)];
    if (count.blocks > 0) table.add({to_string(reach), blocks_text(count), bytes_text(count)});
  }
  table.write(out, 2);
}

uint64_t of_all(const ReachCounts& held) {
  uint64_t blocks = 0;
  for (const ReachCount& count : held) blocks += count.blocks;
  return blocks;
}

void write_unknown_threads(const recording::HeapGraph& graph, std::ostream& out) {
  const uint64_t unknown = graph.threads - graph.threads_parked - graph.threads_waiting;
  if (unknown == 0) return;
  write_wrapped(
      out, "  ",
      fmt::format(
          "The registers of {} thread{} that ran on were not seen: what only they may hold is possibly "
          "lost.",
          human_count(static_cast<int64_t>(unknown)), unknown == 1 ? "" : "s"));
}

void write_lost(const Report& report, const std::vector<LostPlace>& lost, std::ostream& out) {
  if (lost.empty()) return;
  out << '\n';
  TextTable table({{"definitely", true},
                   {"indirectly", true},
                   {"possibly lost", true},
                   {"blocks", true},
                   {"tag", false, Column::Fit::kMiddle},
                   {"function", false, Column::Fit::kFront},
                   {"source", false, Column::Fit::kFront}});
  const auto bytes_or_nothing = [](const ReachCount& count) {
    return count.blocks == 0 ? "" : bytes_text(count);
  };
  for (size_t i = 0; i < std::min(lost.size(), kLostShown); ++i) {
    const Place& place = report.growth.places[lost[i].place];
    const StackFrame* frame = report.growth.sites[index(place.sites.front())].attribution.frame();
    const ReachCounts& held = lost[i].held;
    uint64_t blocks = 0;
    for (const Reach reach : {Reach::kDefinite, Reach::kIndirect, Reach::kPossible})
      blocks += held[index(reach)].blocks;
    table.add(
        {bytes_or_nothing(held[index(Reach::kDefinite)]), bytes_or_nothing(held[index(Reach::kIndirect)]),
         bytes_or_nothing(held[index(Reach::kPossible)]), human_count(static_cast<int64_t>(blocks)),
         tag_label(report, place.tag), frame == nullptr ? std::string(kNoStack) : short_function(*frame),
         frame == nullptr ? "" : short_source(*frame)});
  }
  table.write(out, 2);
  if (lost.size() > kLostShown) out << more(lost.size() - kLostShown, "place");
}

void write_roots(const Report& report, const std::vector<RootHold>& roots, std::ostream& out) {
  if (roots.empty()) return;
  out << '\n';
  TextTable table({{"holds alone", true}, {"root", false, Column::Fit::kMiddle}});
  for (size_t i = 0; i < std::min(roots.size(), kRootsShown); ++i)
    table.add({human_bytes(static_cast<int64_t>(roots[i].bytes)), root_words(report, roots[i].holder)});
  table.write(out, 2);
  if (roots.size() > kRootsShown) out << more(roots.size() - kRootsShown, "root");
}

}  // namespace

void write_held_blocks(const Report& report, std::ostream& out) {
  const HeldBlocks blocks = find_held_blocks(*report.run, report.growth);
  if (blocks.graph == nullptr) return;
  const bool at_end = blocks.graph->reason == recording::GraphReason::kExit;
  write_heading(out, at_end ? "Heap graph at the program's end"
                            : fmt::format("Heap graph after {} {}s",
                                          human_count(static_cast<int64_t>(blocks.graph->iteration)),
                                          step_label(report)));
  if (of_all(blocks.held) == 0) out << "  No block was live.\n";
  write_sums(blocks, out);
  write_unknown_threads(*blocks.graph, out);
  write_lost(report, blocks.lost, out);
  write_roots(report, blocks.roots, out);
}

}  // namespace leakhunt::reports
