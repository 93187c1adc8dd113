#include "reports/formats/formats.h"

#include <algorithm>
#include <iterator>

namespace leakhunt::reports {

namespace {

constexpr Format kFormats[] = {
    {"text", "txt", "report.txt", "a person", true, false, write_text, nullptr},
    {"json", "json", "report.json", "scripts; docs/report.schema.json", true, false, write_json, nullptr},
    {"html", "html", "report.html", "any browser: everything, to look at", true, false, write_html, nullptr,
     why_no_html},
    {"massif", "out", "massif.out", "ms_print, massif-visualizer", true, false, write_massif, nullptr},
    {"junit", "xml", "junit.xml", "every CI", true, false, write_junit, nullptr},
    {"csv", "csv", "report.csv", "spreadsheets, data frames", false, false, nullptr, write_csv},
    {"markdown", "md", "report.md", "pull requests; >> $GITHUB_STEP_SUMMARY", false, false, write_markdown,
     nullptr},
    {"github", "txt", "github.txt", "a GitHub workflow: print it, and it annotates", false, false,
     write_github, nullptr},
    {"gitlab", "json", "gl-code-quality-report.json", "GitLab: artifacts:reports:codequality", false, false,
     write_gitlab, nullptr},
    {"sarif", "sarif", "report.sarif", "code-scanning views (SARIF 2.1.0)", false, false, write_sarif,
     nullptr},
    {"folded", "folded", "heap.folded", "flamegraph.pl, speedscope, Perfetto", false, false, nullptr,
     write_folded},
    {"svg", "svg", "heap.svg", "any browser: a flame graph", false, false, nullptr, write_svg},
    {"pprof", "pb.gz", "heap.pb.gz", "pprof, speedscope, Perfetto, Pyroscope, Parca", false, true, nullptr,
     write_pprof},
    {"pprof-text", "heap", "program.heap", "google-pprof, jeprof", false, false, nullptr, write_pprof_text},
    {"speedscope", "json", "heap.speedscope.json", "speedscope", false, false, nullptr, write_speedscope},
    {"heaptrack", "gz", "heaptrack.leakhunt.gz", "heaptrack_print, heaptrack_gui", false, true,
     write_heaptrack, nullptr},
    {"dhat", "json", "dhat.out.json", "dh_view.html of Valgrind, profiler.firefox.com", false, false,
     write_dhat, nullptr},
    {"trace", "json", "heap.trace.json", "Perfetto, chrome://tracing", false, false, write_trace, nullptr},
    {"openmetrics", "prom", "report.prom", "Prometheus", false, false, write_openmetrics, nullptr},
};

}  // namespace

std::span<const Format> all_formats() {
  return kFormats;
}

const Format* find_format(std::string_view name) {
  const auto found =
      std::find_if(std::begin(kFormats), std::end(kFormats), [&](const Format& f) { return f.name == name; });
  return found == std::end(kFormats) ? nullptr : &*found;
}

void Format::write(const Report& report, std::ostream& out) const {
  write(report, moment_at_end(report), out);
}

void Format::write(const Report& report, const Moment& moment, std::ostream& out) const {
  if (of_run != nullptr) {
    of_run(report, out);
  } else {
    of_moment(report, moment, out);
  }
}

}  // namespace leakhunt::reports
