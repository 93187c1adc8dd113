// report: what we say about a run. The phases of the analysis are the body of analyse() in report.cpp.
//
// Glossary, from large to small:
//   Report     timeline, growth, findings, forecast, ledger and judgement of one Run
//   Judgement  verdict and the checks it follows from
//   Finding    one accused place, with its evidence
//   Place      tag + source line that answers for it; all call sites that lead there
//   Growth     class, slope and start of one series
#pragma once

#include <map>
#include <string>

#include "lib/recording/run.h"
#include "reports/analysis/finding.h"
#include "reports/analysis/forecast.h"
#include "reports/analysis/growth.h"
#include "reports/analysis/ledger.h"
#include "reports/analysis/timeline.h"
#include "reports/analysis/verdict.h"
#include "reports/process_tree.h"

namespace leakhunt::reports {

struct Report {
  const recording::Run* run = nullptr;  // not owned; outlives the report
  Timeline timeline;
  GrowthMap growth;
  std::vector<Finding> findings;
  std::optional<Forecast> forecast;
  Ledger ledger;       // at the end
  Ledger peak_ledger;  // where the most was resident, among those that were measured
  uint64_t peak_rss_bytes = 0;
  Judgement judgement;
  std::map<std::string, double>
      process_figures;    // by the name of the limit on processes: what it was held against
  ProcessTree processes;  // empty when there was one process; its sum is taken in by take_in_processes()

  Verdict verdict() const { return judgement.verdict; }
};

// Everything that is concluded from a run. Deterministic; never fails: what is missing or damaged makes a
// check inconclusive. O(sites x snapshots).
Report analyse(const recording::Run& run);

// 0 pass, 1 fail, 3 the target itself failed, 4 inconclusive.
int exit_status(Verdict verdict);
int exit_status(const Report& report);

}  // namespace leakhunt::reports
