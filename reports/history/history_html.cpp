#include "reports/history/history_html.h"

#include "reports/formats/json_values.h"
#include "reports/formats/page_parts.h"
#include "reports/history/history_text.h"

namespace leakhunt::reports {

namespace {

const char* name_of(Beginning::Of of) {
  switch (of) {
    case Beginning::Of::kGrowth:
      return "growth";
    case Beginning::Of::kLive:
      return "live";
    case Beginning::Of::kAllocations:
      return "allocations";
  }
  return "growth";
}

Json run_json(const HistoricRun& run) {
  Json json = {{"label", run.label},
               {"started", date_of(run)},
               {"verdict", run.verdict},
               {"reason", run.reason},
               {"iterations", run.iterations},
               {"per_second", or_null(run.iterations_per_second)},
               {"peak_rss", run.peak_rss_bytes},
               {"live", run.end_bytes},
               {"blocks", run.end_blocks},
               {"growth", number(run.growth_bytes)},
               {"allocations", number(run.allocations)},
               {"curve", run.curve}};
  json["checks"] = Json::array();
  for (const KeptCheck& check : run.checks)
    json["checks"].push_back({{"state", check.state}, {"text", check.text}});
  json["findings"] = Json::array();
  for (const KeptFinding& finding : run.findings) {
    json["findings"].push_back({{"name", finding.name},
                                {"figures", finding.figures},
                                {"why", finding.why},
                                {"stack", finding.stack}});
  }
  return json;
}

Json group_json(std::span<const HistoricRun> runs) {
  const std::vector<Beginning> beginnings = find_beginnings(runs);
  Json group;
  group["name"] = runs.front().name;
  group["conclusion"] = conclusion(runs, beginnings);
  group["beginnings"] = Json::array();
  for (const Beginning& beginning : beginnings) {
    group["beginnings"].push_back(
        {{"run", beginning.run}, {"what", beginning.what}, {"of", name_of(beginning.of)}});
  }
  group["runs"] = Json::array();
  for (const HistoricRun& run : runs) group["runs"].push_back(run_json(run));
  return group;
}

}  // namespace

void write_history_html(std::span<const HistoricRun> runs, std::ostream& out) {
  Json data;
  data["page"] = "history";
  data["groups"] = Json::array();
  for (size_t begin = 0; begin < runs.size();) {
    size_t end = begin + 1;
    while (end < runs.size() && runs[end].name == runs[begin].name) ++end;
    data["groups"].push_back(group_json(runs.subspan(begin, end - begin)));
    begin = end;
  }
  escape_texts(data);
  write_page(text_for_a_page(data), out);
}

}  // namespace leakhunt::reports
