// OpenMetrics text, for Prometheus and what reads the same: the run's figures and those of each tag, at the
// end.
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "reports/formats/formats.h"
#include "reports/formats/labels.h"
#include "reports/formats/profile.h"

namespace leakhunt::reports {

namespace {

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '\\' || c == '"') result += '\\';
    result += c;
  }
  return result + '"';
}

struct TagSums {
  int64_t live_bytes = 0;
  int64_t live_blocks = 0;
  int64_t peak_bytes = 0;
  double growth = 0;
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;
};

// By name: two tags whose names read the same are one.
std::map<std::string, TagSums> sums_of(const Report& report) {
  std::map<std::string, TagSums> sums;
  for (size_t i = 0; i < report.growth.tags.size(); ++i) {
    const TagGrowth& tag = report.growth.tags[i];
    TagSums& sum = sums[tag_label(report, static_cast<recording::TagId>(i))];
    sum.live_bytes += tag.end.bytes;
    sum.live_blocks += tag.end.blocks;
    sum.peak_bytes += tag.peak_live_bytes;
    sum.growth += tag.growth.bytes_per_step;
  }
  for (const ProfileRow& row : make_profile(report, moment_at_end(report), ProfiledKinds::kAll).rows) {
    TagSums& sum = sums[tag_label(report, report.run->sites[static_cast<size_t>(row.site)].tag)];
    sum.allocations += row.counters.allocations;
    sum.allocated_bytes += row.counters.allocated_bytes;
  }
  return sums;
}

// A family: its head, then a sample a tag.
class Family {
 public:
  Family(std::ostream& out, std::string name, std::string_view type, std::string_view unit,
         std::string_view description)
      : out_(out), name_(std::move(name)), suffix_(type == "counter" ? "_total" : "") {
    out_ << fmt::format("# TYPE {} {}\n", name_, type);
    if (!unit.empty()) out_ << fmt::format("# UNIT {} {}\n", name_, unit);
    out_ << fmt::format("# HELP {} {}\n", name_, description);
  }
  template <typename Value>
  void add(const std::string& labels, Value value) {
    out_ << fmt::format("{}{}{{{}}} {}\n", name_, suffix_, labels, value);
  }

 private:
  std::ostream& out_;
  std::string name_;
  std::string_view suffix_;
};

}  // namespace

void write_openmetrics(const Report& report, std::ostream& out) {
  const std::string run = "run=" + quoted(title_label(report));
  const std::map<std::string, TagSums> tags = sums_of(report);
  const auto by_tag = [&](const char* name, const char* type, const char* unit, const char* words,
                          auto value) {
    Family family(out, name, type, unit, words);
    for (const auto& [tag, sums] : tags) family.add(run + ",tag=" + quoted(tag), value(sums));
  };
  by_tag("leakhunt_live_bytes", "gauge", "bytes", "Live at the end of the last iteration.",
         [](const TagSums& t) { return t.live_bytes; });
  by_tag("leakhunt_live_blocks", "gauge", "blocks", "Live at the end of the last iteration.",
         [](const TagSums& t) { return t.live_blocks; });
  by_tag("leakhunt_peak_live_bytes", "gauge", "bytes", "The most that was live at once.",
         [](const TagSums& t) { return t.peak_bytes; });
  by_tag("leakhunt_growth_per_step_bytes", "gauge", "bytes", "Growth per iteration, after warm-up.",
         [](const TagSums& t) { return t.growth; });
  by_tag("leakhunt_allocations", "counter", "", "Allocations until the end of the last iteration.",
         [](const TagSums& t) { return t.allocations; });
  by_tag("leakhunt_allocated_bytes", "counter", "bytes", "Allocated until the end of the last iteration.",
         [](const TagSums& t) { return t.allocated_bytes; });
  Family(out, "leakhunt_peak_rss_bytes", "gauge", "bytes", "The highest resident memory.")
      .add(run, report.peak_rss_bytes);
  Family(out, "leakhunt_iterations", "gauge", "", "Iterations (or ticks of the clock) that were completed.")
      .add(run, report.timeline.completed);
  Family(out, "leakhunt_findings", "gauge", "", "Places that grow.").add(run, report.findings.size());
  Family verdict(out, "leakhunt_verdict", "gauge", "", "1 at what the run came to.");
  for (const Verdict state : {Verdict::kPass, Verdict::kFail, Verdict::kInconclusive}) {
    const bool is = to_string(report.verdict()) == to_string(state);
    verdict.add(run + ",verdict=" + quoted(to_string(state)), is ? 1 : 0);
  }
  out << "# EOF\n";
}

}  // namespace leakhunt::reports
