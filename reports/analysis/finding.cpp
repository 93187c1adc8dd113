#include "reports/analysis/finding.h"

#include <algorithm>

namespace leakhunt::reports {

namespace {

using recording::SiteId;
using recording::SiteKind;
using recording::TagId;

// A sum that grows by this much more than its accused parts grows by itself.
constexpr double kUnexplainedShare = 0.5;

size_t index(auto id) {
  return static_cast<size_t>(id);
}

// Nested bytes lie in blocks that are judged themselves.
bool is_accused(const Place& place) {
  return place.growth.grows() && place.kind != SiteKind::kNested;
}

Finding of_place(const Place& place, const GrowthMap& growth, FindingKind kind) {
  Finding finding;
  finding.kind = kind;
  finding.tag = place.tag;
  finding.growth = place.growth;
  finding.survival = place.survival;
  if (place.survival) finding.keeping = place.survival->keeping(place.growth);
  // A cache that grows is no leak of its blocks, however much it grows.
  if (finding.keeping == Keeping::kTurnover) finding.kind = FindingKind::kGrowth;
  for (const SiteId site : place.sites) {
    const SiteGrowth& of_site = growth.sites[index(site)];
    if (!of_site.growth.grows() && !finding.sites.empty() && of_site.allocations_per_step == 0) continue;
    finding.sites.push_back(site);
    finding.allocations_per_step += of_site.allocations_per_step;
    finding.frees_per_step += of_site.frees_per_step;
  }
  return finding;
}

double accused_bytes(const std::vector<Finding>& findings, std::optional<TagId> tag) {
  double sum = 0;
  for (const Finding& finding : findings) {
    if (!tag || finding.tag == tag) sum += finding.growth.bytes_per_step;
  }
  return sum;
}

// Sums that grow while no place in them does: many places, each too rarely.
void add_unexplained_sums(const GrowthMap& growth, std::vector<Finding>& findings) {
  const auto add_if_unexplained = [&](std::optional<TagId> tag, const Growth& sum) {
    if (!sum.grows()) return;
    if (sum.bytes_per_step * (1 - kUnexplainedShare) < accused_bytes(findings, tag)) return;
    Finding finding;
    finding.kind = FindingKind::kGrowth;
    finding.tag = tag;
    finding.growth = sum;
    findings.push_back(std::move(finding));
  };
  for (size_t tag = 0; tag < growth.tags.size(); ++tag) {
    if (!growth.tags[tag].nested)
      add_if_unexplained(TagId{static_cast<uint32_t>(tag)}, growth.tags[tag].growth);
  }
  add_if_unexplained(std::nullopt, growth.process);
}

void share_out(std::vector<Finding>& findings) {
  const double total = accused_bytes(findings, std::nullopt);
  for (Finding& finding : findings) {
    if (total > 0) finding.share = finding.growth.bytes_per_step / total;
  }
}

}  // namespace

std::string_view to_string(FindingKind kind) {
  return kind == FindingKind::kLeak ? "leak" : "growth";
}

std::vector<Finding> find_growth(const Timeline& timeline, const GrowthMap& growth) {
  const bool ticks = timeline.clock == Clock::kTicks;
  // What one place gains and another gives back to the byte is no growth of the process.
  const bool given_back = growth.process.exact && !growth.process.grows();
  std::vector<Finding> findings;
  for (const Place& place : growth.places) {
    if (!is_accused(place) || given_back) continue;
    findings.push_back(of_place(place, growth, ticks ? FindingKind::kGrowth : FindingKind::kLeak));
  }
  if (!ticks) add_unexplained_sums(growth, findings);
  std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
    return a.growth.bytes_per_step > b.growth.bytes_per_step;
  });
  share_out(findings);
  return findings;
}

}  // namespace leakhunt::reports
