#include "reports/formats/diff_places.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "reports/formats/diff_formats.h"
#include "reports/formats/escape.h"
#include "reports/formats/labels.h"
#include "reports/formats/units.h"

namespace leakhunt::reports {

namespace {

using recording::SiteKind;

std::string sites_text(size_t count) {
  return fmt::format("{} call {}", human_count(static_cast<int64_t>(count)), count == 1 ? "site" : "sites");
}

std::string counts_text(const Diff& diff) {
  std::string text;
  for (size_t i = 0; i < kChanges; ++i) {
    const auto change = static_cast<Change>(i);
    if (diff.counts[i] == 0 || change == Change::kNone) continue;
    if (!text.empty()) text += ", ";
    if (change == Change::kElse) {
      text += fmt::format("{} differ in something else", diff.counts[i]);
    } else {
      text += fmt::format("{} {}", diff.counts[i], to_string(change));
    }
  }
  const size_t same = diff.counts[static_cast<size_t>(Change::kNone)];
  if (text.empty()) return fmt::format("{} alike in everything", sites_text(same));
  return fmt::format("of {}, {}{}", sites_text(diff.sites.size()), text,
                     same > 0 ? fmt::format("; {} {} the same", same, same == 1 ? "is" : "are") : "");
}

std::string function_text(const SiteIdentity& site) {
  const StackFrame* frame = answering_frame(site);
  return frame == nullptr ? std::string(kNoStack)
                          : escape_line(shorten_templates(function_label(*frame), 60));
}

}  // namespace

const TagDiff& heap_of(const Diff& diff) {
  return diff.kinds[static_cast<size_t>(SiteKind::kBlock)];
}

const TagDiff& mappings_of(const Diff& diff) {
  return diff.kinds[static_cast<size_t>(SiteKind::kMapping)];
}

std::string conclusion(const Diff& diff) {
  const TagDiff& heap = heap_of(diff);
  const int64_t bytes = heap.difference().live_bytes;
  std::string text = "live heap is the same, " + human_bytes(heap.is.live_bytes);
  if (bytes != 0) {
    text = fmt::format("live heap {} by {}, from {} to {}", bytes > 0 ? "grew" : "shrank",
                       human_bytes(std::llabs(bytes)), human_bytes(heap.was.live_bytes),
                       human_bytes(heap.is.live_bytes));
  }
  if (diff.steps) {
    text += fmt::format(" ({} per {} over {})",
                        human_slope(static_cast<double>(bytes) / static_cast<double>(*diff.steps)),
                        step_label(*diff.before.report), human_count(static_cast<int64_t>(*diff.steps)));
  }
  return text + "; " + counts_text(diff);
}

std::string cause(const Diff& diff, const std::vector<ChangedPlace>& places) {
  const int64_t bytes = heap_of(diff).difference().live_bytes;
  if (bytes == 0) return {};
  std::vector<const ChangedPlace*> heap;
  for (const ChangedPlace& place : places) {
    const int64_t part = place.difference().live_bytes;
    const bool of_heap = diff.identity(place.first()).kind == SiteKind::kBlock;
    if (of_heap && part != 0 && (part > 0) == (bytes > 0)) heap.push_back(&place);
  }
  if (heap.empty()) return {};
  // What appeared at a line and what grew there is one cause.
  struct Cause {
    const ChangedPlace* place = nullptr;
    int64_t part = 0;
    double growth_was = 0;
    double growth_is = 0;
    bool one_change = true;
  };
  std::map<std::tuple<std::string_view, std::string_view, std::string_view>, Cause> causes;
  int64_t sum = 0;
  for (const ChangedPlace* place : heap) {
    const std::string_view tag = diff.identity(place->first()).tag;
    Cause& cause = causes[{tag, place->function, place->source}];
    if (cause.place == nullptr) cause.place = place;
    const int64_t part = std::llabs(place->difference().live_bytes);
    cause.part += part;
    sum += part;
    cause.growth_was += place->was.growth;
    cause.growth_is += place->is.growth;
    cause.one_change = cause.one_change && place->first().change == cause.place->first().change;
  }
  const auto& [key, largest] =
      *std::max_element(causes.begin(), causes.end(),
                        [](const auto& a, const auto& b) { return a.second.part < b.second.part; });
  const auto& [tag, function, source] = key;
  const std::string_view how = largest.part == sum       ? "all of it is"
                               : 2 * largest.part >= sum ? "most of it is"
                                                         : "the largest part of it is";
  const Change change = largest.one_change ? largest.place->first().change
                        : bytes > 0        ? Change::kGrew
                                           : Change::kShrank;
  std::string text =
      fmt::format("{} {}{} in tag {}, which {}", how, function,
                  source.empty() ? "" : fmt::format(" ({})", source), escape_line(tag), to_string(change));
  if (largest.part != sum) {
    text += fmt::format(": {} of the {} that {}", human_bytes(largest.part), human_bytes(sum),
                        bytes > 0 ? "came in" : "went");
  }
  if (!diff.growth_unit.empty() && largest.growth_was != largest.growth_is) {
    text += fmt::format("; its growth per {} was {} and is {}", diff.growth_unit,
                        human_slope(largest.growth_was), human_slope(largest.growth_is));
  }
  return text;
}

std::vector<ChangedPlace> places_that_differ(const Diff& diff) {
  std::vector<ChangedPlace> places;
  std::map<std::tuple<Change, bool, SiteKind, std::string, std::string, std::string>, size_t> known;
  for (const SiteDiff& row : diff.sites) {
    if (row.change == Change::kNone) continue;
    const SiteIdentity& site = diff.identity(row);
    const bool alike = row.before && row.after && row.by == MatchedBy::kAlike;
    std::string function = function_text(site);
    std::string source = place_label(diff, row);
    const auto [found, added] =
        known.try_emplace({row.change, alike, site.kind, site.tag, function, source}, places.size());
    if (added) places.push_back({{}, alike, std::move(function), std::move(source), {}, {}});
    ChangedPlace& place = places[found->second];
    place.rows.push_back(&row);
    place.was += row.was;
    place.is += row.is;
  }
  std::stable_sort(places.begin(), places.end(), [](const ChangedPlace& a, const ChangedPlace& b) {
    return effect(a.difference()) > effect(b.difference());
  });
  return places;
}

}  // namespace leakhunt::reports
