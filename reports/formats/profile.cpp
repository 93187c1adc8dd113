#include "reports/formats/profile.h"

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "lib/recording/counter_arithmetic.h"
#include "reports/analysis/cut.h"
#include "reports/formats/escape.h"
#include "reports/formats/labels.h"

namespace leakhunt::reports {

namespace {

using Refusal = tl::unexpected<std::string>;

std::string_view unit_of(const Report& report) {
  return report.timeline.clock == Clock::kIterations ? "iteration" : "tick";
}

ProfileRow row_of(const recording::CallSite& site, recording::SiteId id, const Moment& moment) {
  ProfileRow row;
  row.site = id;
  row.counters = counters_at(site.series, moment.snapshot);
  if (moment.from) row.counters = difference(row.counters, counters_at(site.series, *moment.from));
  row.bytes =
      static_cast<int64_t>(row.counters.allocated_bytes) - static_cast<int64_t>(row.counters.freed_bytes);
  row.blocks = static_cast<int64_t>(row.counters.allocations) - static_cast<int64_t>(row.counters.frees);
  if (!moment.from) {
    row.bytes = std::max<int64_t>(row.bytes, 0);
    row.blocks = std::max<int64_t>(row.blocks, 0);
  }
  return row;
}

bool did_nothing(const ProfileRow& row) {
  return row.counters.allocations == 0 && row.counters.frees == 0 && row.bytes == 0 && row.blocks == 0;
}

tl::expected<Moment, std::string> at_number(const Report& report, uint64_t number) {
  const std::vector<uint64_t>& numbers = report.timeline.numbers;
  const auto unit = unit_of(report);
  if (numbers.empty())
    return Refusal(fmt::format("the recording holds no {}s, only \"peak\" and \"end\"", unit));
  const auto found = std::lower_bound(numbers.begin(), numbers.end(), number);
  if (found == numbers.end() || number < numbers.front()) {
    return Refusal(fmt::format("there is no {} {}: the recording holds {} to {}", unit, number,
                               numbers.front(), numbers.back()));
  }
  if (*found != number) {
    return Refusal(fmt::format("{} {} was not recorded: the ones beside it are {} and {}", unit, number,
                               *(found - 1), *found));
  }
  const auto point = static_cast<size_t>(found - numbers.begin());
  return Moment{report.timeline.points[point], {}, fmt::format("at {} {}", unit, number), true};
}

std::string without_at(const std::string& words) {
  return words.starts_with("at ") ? words.substr(3) : words;
}

}  // namespace

Moment moment_at_end(const Report& report) {
  return {report.timeline.end_snapshot(*report.run), {}, "at the end", false};
}

Moment moment_at_peak(const Report& report) {
  const std::vector<int64_t>& heap = report.growth.heap_bytes;
  const auto peak = std::max_element(heap.begin(), heap.end());
  return {static_cast<size_t>(peak - heap.begin()), {}, "at the peak", false};
}

std::optional<Moment> growth_after_warm_up(const Report& report) {
  const Timeline& timeline = report.timeline;
  if (timeline.judged() == 0) return std::nullopt;
  return Moment{timeline.points.back(), timeline.points[timeline.base],
                fmt::format("from {} {} to the end", unit_of(report), timeline.numbers[timeline.base]),
                false};
}

tl::expected<Moment, std::string> parse_moment(const Report& report, std::string_view text) {
  Moment moment;
  if (text == "end") {
    moment = moment_at_end(report);
  } else if (text == "peak") {
    moment = moment_at_peak(report);
  } else {
    uint64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc() || end != text.data() + text.size())
      return Refusal(fmt::format("\"{}\" is no moment: write \"peak\", \"end\" or the number of an {}",
                                 escape_line(text), "iteration"));
    return at_number(report, number);
  }
  moment.chosen = true;
  return moment;
}

tl::expected<Moment, std::string> between(const Moment& from, const Moment& to) {
  if (from.snapshot > to.snapshot) {
    return Refusal(
        fmt::format("{} is after {}: exchange them", without_at(from.words), without_at(to.words)));
  }
  return Moment{to.snapshot, from.snapshot,
                fmt::format("from {} to {}", without_at(from.words), without_at(to.words)), true};
}

Profile make_profile(const Report& report, const Moment& moment, ProfiledKinds kinds) {
  Profile profile;
  const std::vector<recording::CallSite>& sites = report.run->sites;
  for (size_t i = 0; i < sites.size(); ++i) {
    if (kinds == ProfiledKinds::kHeap && sites[i].kind != recording::SiteKind::kBlock) continue;
    const ProfileRow row = row_of(sites[i], static_cast<recording::SiteId>(i), moment);
    if (did_nothing(row)) continue;
    profile.bytes += row.bytes;
    profile.blocks += row.blocks;
    profile.allocations += row.counters.allocations;
    profile.allocated_bytes += row.counters.allocated_bytes;
    profile.rows.push_back(row);
  }
  return profile;
}

FrameSpan stack_of(const Report& report, recording::SiteId site) {
  const Attribution& attribution = report.growth.sites[static_cast<size_t>(site)].attribution;
  return attribution.frames.span().subspan(attribution.frames.empty() ? 0 : attribution.named);
}

std::vector<Stack> merged_stacks(const Report& report, const Profile& profile) {
  std::map<std::vector<std::string>, int64_t> merged;
  for (const ProfileRow& row : profile.rows) {
    if (row.bytes <= 0) continue;
    const recording::CallSite& site = report.run->sites[static_cast<size_t>(row.site)];
    std::vector<std::string> names = {"tag " + tag_label(report, site.tag)};
    if (site.truncated) names.emplace_back(kCutStack);
    const FrameSpan frames = stack_of(report, row.site);
    for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame)
      names.push_back(function_label(*frame));
    if (frames.empty()) names.emplace_back(kNoStack);
    merged[std::move(names)] += row.bytes;
  }
  std::vector<Stack> stacks;
  stacks.reserve(merged.size());
  for (const auto& [names, bytes] : merged) stacks.push_back({names, bytes});
  return stacks;
}

}  // namespace leakhunt::reports
