#include "reports/report.h"

namespace leakhunt::reports {

Report analyse(const recording::Run& run) {
  Report report;
  report.run = &run;
  report.timeline = make_timeline(run);
  report.growth = measure_growth(run, report.timeline);
  report.findings = find_growth(report.timeline, report.growth);
  for (Finding& finding : report.findings) finding.twins = find_freed_twins(run, finding.sites);
  report.forecast = make_forecast(run, report.timeline, report.growth);
  report.ledger = make_ledger(run, report.timeline, report.growth);
  report.peak_rss_bytes = peak_rss_bytes(run);
  report.judgement = judge(run, report.timeline, report.growth, report.findings);
  return report;
}

int exit_status(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return 0;
    case Verdict::kFail:
      return 1;
    case Verdict::kTargetFailed:
      return 3;
    case Verdict::kInconclusive:
      return 4;
  }
  return 4;
}

int exit_status(const Report& report) {
  return exit_status(report.verdict());
}

}  // namespace leakhunt::reports
