#include "reports/importers/run_maker.h"
#include "lib/recording/counter_arithmetic.h"

#include <algorithm>
#include <compare>
#include <tuple>

namespace leakhunt::reports {

namespace {

using recording::Counters;
using recording::SiteId;
using recording::TagId;

constexpr uint64_t kFirstAddress = 0x10000;
constexpr uint64_t kDistance = 16;

}  // namespace

std::strong_ordering operator<=>(const ImportedFrame& a, const ImportedFrame& b) {
  if (const auto order = std::tie(a.module, a.offset) <=> std::tie(b.module, b.offset); std::is_neq(order))
    return order;
  const auto by_names = [](const recording::SourceFrame& x, const recording::SourceFrame& y) {
    return std::tie(x.function, x.file, x.line) <=> std::tie(y.function, y.file, y.line);
  };
  return std::lexicographical_compare_three_way(a.sources.begin(), a.sources.end(), b.sources.begin(),
                                                b.sources.end(), by_names);
}

RunMaker::RunMaker() {
  run_.images = 1;
  run_.end = recording::EndKind::kExit;
  for (const char* name : {"heap", "mapping"}) tag(name);
}

TagId RunMaker::tag(const std::string& name) {
  const auto [found, added] = tags_.try_emplace(name, static_cast<TagId>(run_.tags.size()));
  if (added) run_.tags.push_back({name});
  return found->second;
}

uint64_t RunMaker::address(const ImportedFrame& frame) {
  const uint64_t next = kFirstAddress + kDistance * addresses_.size();
  const auto [found, added] = addresses_.try_emplace(frame, next);
  if (!added) return found->second;
  recording::Symbol& symbol = run_.symbols[next];
  symbol.address = next;
  symbol.module = frame.module;
  symbol.offset = frame.offset;
  symbol.source_frames = frame.sources;
  for (size_t i = 0; i + 1 < symbol.source_frames.size(); ++i) symbol.source_frames[i].inlined = true;
  return next;
}

SiteId RunMaker::site(TagId tag, const std::vector<uint64_t>& frames, bool truncated) {
  const auto [found, added] =
      sites_.try_emplace({tag, frames, truncated}, static_cast<SiteId>(run_.sites.size()));
  if (added) {
    recording::CallSite site;
    site.tag = tag;
    site.kind = recording::SiteKind::kBlock;
    site.frames = frames;
    site.truncated = truncated;
    run_.sites.push_back(std::move(site));
    held_.emplace_back();
  }
  return found->second;
}

void RunMaker::add(SiteId site, const Counters& counters) {
  recording::add(open_[site], counters);
}

void RunMaker::hold(SiteId site, uint64_t bytes, uint64_t blocks) {
  Held& held = held_[static_cast<size_t>(site)];
  Counters change{};
  (bytes > held.bytes ? change.allocated_bytes : change.freed_bytes) =
      bytes > held.bytes ? bytes - held.bytes : held.bytes - bytes;
  (blocks > held.blocks ? change.allocations : change.frees) =
      blocks > held.blocks ? blocks - held.blocks : held.blocks - blocks;
  held = {bytes, blocks};
  add(site, change);
}

void RunMaker::snapshot(recording::SnapshotKind kind, uint64_t time_ns, uint64_t rss_bytes) {
  const auto index = static_cast<uint32_t>(run_.snapshots.size());
  for (const auto& [site, counters] : open_) {
    recording::CallSite& target = run_.sites[static_cast<size_t>(site)];
    target.series.push_back({index, 1, counters});
    recording::add(target.total, counters);
  }
  open_.clear();
  recording::Snapshot snapshot;
  snapshot.kind = kind;
  snapshot.time_ns = time_ns;
  snapshot.rss_bytes = rss_bytes;
  run_.snapshots.push_back(snapshot);
}

void RunMaker::set_command(std::string_view command) {
  run_.process.command_line.clear();
  while (!command.empty()) {
    const size_t space = std::min(command.find(' '), command.size());
    if (space > 0) run_.process.command_line.emplace_back(command.substr(0, space));
    command.remove_prefix(std::min(space + 1, command.size()));
  }
  run_.process.executable = run_.process.command_line.empty() ? "" : run_.process.command_line.front();
}

recording::Run RunMaker::take() && {
  const uint64_t last = run_.snapshots.empty() ? 0 : run_.snapshots.back().time_ns;
  if (!open_.empty() || run_.snapshots.empty()) snapshot(recording::SnapshotKind::kFinal, last);
  run_.snapshots.back().kind = recording::SnapshotKind::kFinal;
  return std::move(run_);
}

}  // namespace leakhunt::reports
