#include "reports/importers/importer.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "lib/recording/format.h"
#include "reports/analysis/cut.h"
#include "reports/formats/escape.h"
#include "reports/formats/units.h"
#include "reports/importers/decompression.h"
#include "reports/importers/text_lines.h"

namespace leakhunt::reports {

namespace {

using Refusal = tl::unexpected<std::string>;

constexpr char kSubject[] = "import";
constexpr size_t kLeaksShown = 3;
constexpr size_t kBeginning = 256;

bool holds(std::string_view content, std::string_view words) {
  return content.find(words) != std::string_view::npos;
}

Imported import_text(Foreign foreign, std::string_view text) {
  switch (foreign) {
    case Foreign::kMassif:
      return import_massif(text);
    case Foreign::kHeaptrack:
      return import_heaptrack(text);
    case Foreign::kMemcheck:
      return import_memcheck(text);
    case Foreign::kMemcheckXml:
      return import_memcheck_xml(text);
    case Foreign::kLeakSanitizer:
      return import_leak_sanitizer(text);
    case Foreign::kNone:
      break;
  }
  return tl::unexpected(ImportError{
      0,
      "neither a recording of leakhunt nor a file of massif, heaptrack, memcheck or LeakSanitizer: none of "
      "their beginnings is in it"});
}

// --- what a report says of it --------------------------------------------------------------------

struct Lost {
  recording::SiteId site{};
  Live live;
};

std::vector<Lost> definitely_lost(const recording::Run& run) {
  std::vector<Lost> lost;
  for (size_t i = 0; i < run.sites.size(); ++i) {
    const auto tag = static_cast<size_t>(run.sites[i].tag);
    const Live live{run.sites[i].live_bytes_end(), run.sites[i].live_blocks_end()};
    if (run.tags[tag].name == kDefinitelyLost && live.blocks > 0)
      lost.push_back({static_cast<recording::SiteId>(i), live});
  }
  std::stable_sort(lost.begin(), lost.end(),
                   [](const Lost& a, const Lost& b) { return a.live.bytes > b.live.bytes; });
  return lost;
}

std::string sum_text(const Live& live) {
  return fmt::format("{} in {} {}", human_bytes(live.bytes), human_count(live.blocks),
                     live.blocks == 1 ? "block" : "blocks");
}

std::string place_of(const Report& report, recording::SiteId site) {
  const StackFrame* frame = report.growth.sites[static_cast<size_t>(site)].attribution.frame();
  if (frame == nullptr) return "(not listed)";
  std::string text = shorten_middle(escape_line(qualified_name(frame_name(*frame))), 60);
  if (!frame->file.empty()) text += fmt::format(" ({}:{})", escape_line(frame->file), frame->line);
  return text;
}

bool checks_leaks(Foreign foreign) {
  return foreign == Foreign::kMemcheck || foreign == Foreign::kMemcheckXml ||
         foreign == Foreign::kLeakSanitizer;
}

void add_leaks(const Report& report, const Import& import, std::vector<Check>& checks) {
  const std::vector<Lost> lost = definitely_lost(*report.run);
  const std::string_view tool = to_string(import.foreign);
  if (lost.empty()) {
    checks.push_back({CheckState::kPassed, fmt::format("{} found nothing definitely lost", tool), kSubject});
    return;
  }
  Live sum;
  for (const Lost& each : lost) {
    sum.bytes += each.live.bytes;
    sum.blocks += each.live.blocks;
  }
  checks.push_back(
      {CheckState::kFailed, fmt::format("{} found {} definitely lost", tool, sum_text(sum)), kSubject});
  for (size_t i = 0; i < std::min(lost.size(), kLeaksShown); ++i) {
    checks.push_back(
        {CheckState::kFailed,
         fmt::format("definitely lost: {}, {}", sum_text(lost[i].live), place_of(report, lost[i].site)),
         kSubject});
  }
  if (lost.size() > kLeaksShown) {
    checks.push_back({CheckState::kFailed,
                      fmt::format("{} more call sites of lost blocks", lost.size() - kLeaksShown), kSubject});
  }
}

}  // namespace

std::string_view to_string(Foreign foreign) {
  switch (foreign) {
    case Foreign::kMassif:
      return "massif";
    case Foreign::kHeaptrack:
      return "heaptrack";
    case Foreign::kMemcheck:
    case Foreign::kMemcheckXml:
      return "memcheck";
    case Foreign::kLeakSanitizer:
      return "LeakSanitizer";
    case Foreign::kNone:
      break;
  }
  return "nobody";
}

Foreign recognise(std::string_view content) {
  const std::string_view beginning = content.substr(0, kBeginning);
  if (beginning.starts_with("desc: ") || (beginning.starts_with("cmd: ") && holds(content, "snapshot=")))
    return Foreign::kMassif;
  std::string_view version = beginning;
  if (take(version, "v ") && take_number(version, 16) &&
      (version.starts_with(' ') || version.starts_with('\n')))
    return Foreign::kHeaptrack;
  if (beginning.starts_with("<?xml") && holds(content, "<valgrindoutput>")) return Foreign::kMemcheckXml;
  if (holds(content, "LeakSanitizer: detected memory leaks")) return Foreign::kLeakSanitizer;
  if (holds(content, "== Memcheck, a memory error detector") || holds(content, "== HEAP SUMMARY:"))
    return Foreign::kMemcheck;
  return Foreign::kNone;
}

bool is_recording(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::error_code ignored;
  if (!file || std::filesystem::is_directory(path, ignored)) return true;
  char magic[sizeof recording::kFileMagic] = {};
  file.read(magic, sizeof magic);
  return file.gcount() == 0 ||
         std::equal(std::begin(magic), std::end(magic), std::begin(recording::kFileMagic));
}

tl::expected<Import, std::string> import_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  if (file) content << file.rdbuf();
  if (!file) return Refusal(fmt::format("{}: it cannot be read", path));
  auto text = decompressed(std::move(content).str());
  if (!text) return Refusal(fmt::format("{}: {}", path, text.error()));
  auto import = import_text(recognise(*text), *text);
  if (import) return std::move(*import);
  const ImportError& error = import.error();
  return Refusal(error.line == 0 ? fmt::format("{}: {}", path, error.what)
                                 : fmt::format("{}:{}: {}", path, error.line, error.what));
}

bool is_imported(const Report& report) {
  const std::vector<Check>& checks = report.judgement.checks;
  return std::any_of(checks.begin(), checks.end(),
                     [](const Check& check) { return check.subject == kSubject; });
}

void take_in_import(Report& report, const Import& import) {
  std::vector<Check>& checks = report.judgement.checks;
  // Those speak of a run that leakhunt itself has seen.
  const bool knows_rss = report.peak_rss_bytes > 0;
  std::erase_if(checks, [&](const Check& check) {
    return check.subject == "growth" || check.subject == "target" ||
           (check.subject == "peak RSS" && !knows_rss);
  });
  if (checks_leaks(import.foreign)) add_leaks(report, import, checks);
  checks.push_back({CheckState::kInconclusive,
                    fmt::format("growth was not judged: this is a file of {}, which has no iterations",
                                to_string(import.foreign)),
                    kSubject});
  for (const std::string& limit : import.limits) checks.push_back({CheckState::kNotChecked, limit, kSubject});
  conclude(report.judgement);
}

}  // namespace leakhunt::reports
