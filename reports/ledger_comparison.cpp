#include "reports/ledger_comparison.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

namespace leakhunt::reports {

namespace {

constexpr int64_t kShareShown = 500;

bool is_by_tag(LedgerPart part) {
  return part == LedgerPart::kTaggedBlocks || part == LedgerPart::kMappings;
}

bool is_of_the_program(LedgerPart part) {
  return part <= LedgerPart::kSharedMemory;
}

using Changes = std::map<std::pair<LedgerPart, std::string>, LedgerChange>;

// Adds up into the change's fields that `reserved` and `resident` name.
void add(Changes& changes, const Ledger& ledger, int64_t LedgerChange::*reserved,
         int64_t LedgerChange::*resident) {
  for (const LedgerLine& line : ledger.lines) {
    if (!is_of_the_program(line.part)) continue;
    const auto add_to = [&](const std::string& tag, int64_t reserved_bytes, int64_t resident_bytes) {
      LedgerChange& change = changes[{line.part, tag}];
      change.part = line.part;
      change.tag = tag;
      change.*reserved += reserved_bytes;
      change.*resident += resident_bytes;
    };
    if (is_by_tag(line.part)) {
      for (const LedgerItem& item : line.items) add_to(item.name, item.reserved_bytes, item.resident_bytes);
    } else {
      add_to("", line.reserved_bytes, line.resident_bytes);
    }
  }
}

int64_t weight(const LedgerChange& change) {
  return std::max(std::abs(change.reserved_difference()), std::abs(change.resident_difference()));
}

}  // namespace

std::vector<LedgerChange> compare_ledgers(const Ledger& base, const Ledger& ledger) {
  if (!base.measured || !ledger.measured) return {};
  Changes changes;
  add(changes, base, &LedgerChange::base_reserved_bytes, &LedgerChange::base_resident_bytes);
  add(changes, ledger, &LedgerChange::reserved_bytes, &LedgerChange::resident_bytes);
  std::vector<LedgerChange> sorted;
  for (const auto& [key, change] : changes) {
    if (weight(change) * kShareShown >= base.rss_bytes) sorted.push_back(change);
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const LedgerChange& a, const LedgerChange& b) { return weight(a) > weight(b); });
  return sorted;
}

}  // namespace leakhunt::reports
