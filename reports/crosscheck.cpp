#include "reports/crosscheck.h"

#include <algorithm>
#include <cstdlib>

#include "reports/analysis/stable_names.h"
#include "reports/formats/escape.h"
#include "reports/formats/profile.h"
#include "reports/importers/importer.h"

namespace leakhunt::reports {

namespace {

constexpr std::string_view kInternalOfLibc = "__GI_";  // a second name of the same function
constexpr int64_t kEmergencyPool = 72704;

// Position behind the last "::" outside of brackets: heaptrack knows no namespaces.
std::string last_part(const std::string& name) {
  size_t from = 0;
  int depth = 0;
  for (size_t i = 0; i + 1 < name.size(); ++i) {
    if (name[i] == '<' || name[i] == '(' || name[i] == '{') ++depth;
    if ((name[i] == '>' || name[i] == ')' || name[i] == '}') && depth > 0) --depth;
    if (depth == 0 && name[i] == ':' && name[i + 1] == ':') from = i + 2;
  }
  return name.substr(from);
}

// The function in whose machine code the answering frame is: Valgrind does not see what was inlined there.
// Empty: it has no name, and tools place such code differently.
std::string place_of(const Report& report, recording::SiteId site) {
  const Attribution& attribution = report.growth.sites[static_cast<size_t>(site)].attribution;
  size_t at = attribution.named;
  while (at + 1 < attribution.frames.size() && attribution.frames[at].inlined) ++at;
  if (at >= attribution.frames.size()) return {};
  std::string name = last_part(loose_name(stable_name(attribution.frames[at].function)));
  if (name.starts_with(kInternalOfLibc)) name.erase(0, kInternalOfLibc.size());
  return escape_line(name);
}

// libstdc++ sets memory aside for exceptions that are thrown when there is none left. heaptrack brings that
// into every program, and frees it before the end.
bool is_emergency_pool(const Report& report, recording::SiteId site) {
  const SiteGrowth& growth = report.growth.sites[static_cast<size_t>(site)];
  const StackFrame* frame = growth.attribution.frame();
  return frame != nullptr && growth.peak_live_bytes == kEmergencyPool &&
         frame->module.find("libstdc++.so") != std::string::npos;
}

// What all tools count, at one moment.
struct Counted {
  int64_t bytes = 0;
  int64_t allocations = 0;
  int64_t allocated_bytes = 0;
  int64_t pool = 0;  // that was left out
  Places places;
};

Counted count_at(const Report& report, const Moment& moment) {
  Counted counted;
  for (const ProfileRow& row : make_profile(report, moment).rows) {
    if (is_emergency_pool(report, row.site)) {
      counted.pool += row.bytes;
      continue;
    }
    counted.bytes += row.bytes;
    counted.allocations += static_cast<int64_t>(row.counters.allocations);
    counted.allocated_bytes += static_cast<int64_t>(row.counters.allocated_bytes);
    const std::string place = row.bytes > 0 ? place_of(report, row.site) : "";
    if (!place.empty()) counted.places[place] += row.bytes;
  }
  return counted;
}

int64_t lost_bytes(const recording::Run& run) {
  int64_t bytes = 0;
  for (const recording::CallSite& site : run.sites) {
    if (run.tags[static_cast<size_t>(site.tag)].name == kDefinitelyLost) bytes += site.live_bytes_end();
  }
  return bytes;
}

using Value = std::optional<int64_t> Opinion::*;

void add_figure(Crosscheck& check, const char* name, Value value, const Tolerance& tolerance) {
  Agreement agreement{name, {}, true};
  for (const Opinion& opinion : check.opinions) {
    if (opinion.ran() && opinion.*value) agreement.opinions.emplace_back(opinion.tool, *(opinion.*value));
  }
  if (agreement.opinions.empty()) return;
  for (const auto& [tool, each] : agreement.opinions)
    agreement.agrees = agreement.agrees && agree(agreement.opinions.front().second, each, tolerance);
  check.figures.push_back(std::move(agreement));
}

int64_t largest(const Agreement& agreement) {
  int64_t bytes = 0;
  for (const auto& [tool, each] : agreement.opinions) bytes = std::max(bytes, each);
  return bytes;
}

std::vector<Agreement> compare_places(const std::vector<Opinion>& opinions,
                                      std::optional<Places> Opinion::*places) {
  Places names;
  size_t tools = 0;
  for (const Opinion& opinion : opinions) {
    if (!opinion.ran() || !(opinion.*places)) continue;
    ++tools;
    for (const auto& [name, bytes] : *(opinion.*places)) names[name] += bytes;
  }
  std::vector<Agreement> result;
  if (tools < 2) return result;
  for (const auto& [name, sum] : names) {
    Agreement agreement{name, {}, true};
    for (const Opinion& opinion : opinions) {
      if (!opinion.ran() || !(opinion.*places)) continue;
      const auto found = (opinion.*places)->find(name);
      agreement.opinions.emplace_back(opinion.tool, found == (opinion.*places)->end() ? 0 : found->second);
    }
    for (const auto& [tool, each] : agreement.opinions)
      agreement.agrees = agreement.agrees && agree(agreement.opinions.front().second, each, kPlaceTolerance);
    result.push_back(std::move(agreement));
  }
  std::stable_sort(result.begin(), result.end(),
                   [](const Agreement& a, const Agreement& b) { return largest(a) > largest(b); });
  return result;
}

}  // namespace

Opinion opinion_of(std::string tool, const Report& report, double seconds) {
  Opinion opinion;
  opinion.seconds = seconds;
  const recording::Run& run = *report.run;
  const Moment exit{run.snapshots.empty() ? 0 : run.snapshots.size() - 1, {}, "at exit", false};
  const Counted at_exit = count_at(report, exit);
  if (tool != "massif") {
    opinion.allocations = at_exit.allocations;
    opinion.allocated_bytes = at_exit.allocated_bytes;
    opinion.exit_bytes = at_exit.bytes;
    opinion.exit_places = at_exit.places;
  }
  if (tool != "memcheck") {
    const Counted at_peak = count_at(report, moment_at_peak(report));
    opinion.peak_bytes = at_peak.bytes;
    for (const recording::Snapshot& snapshot : run.snapshots)
      opinion.peak_bytes =
          std::max(*opinion.peak_bytes, static_cast<int64_t>(snapshot.heap_peak_bytes) - at_peak.pool);
    // A peak between two snapshots has bytes and no call sites.
    if (agree(*opinion.peak_bytes, at_peak.bytes, kPlaceTolerance)) opinion.peak_places = at_peak.places;
  } else {
    opinion.lost_bytes = lost_bytes(run);
  }
  opinion.tool = std::move(tool);
  return opinion;
}

bool agree(int64_t a, int64_t b, const Tolerance& tolerance) {
  const double allowed =
      std::max(tolerance.share * static_cast<double>(std::max(std::llabs(a), std::llabs(b))),
               static_cast<double>(tolerance.fixed));
  return static_cast<double>(std::llabs(a - b)) <= allowed;
}

size_t Crosscheck::disagreements() const {
  size_t count = 0;
  for (const auto* list : {&figures, &peak_places, &exit_places}) {
    count += static_cast<size_t>(
        std::count_if(list->begin(), list->end(), [](const Agreement& each) { return !each.agrees; }));
  }
  return count;
}

bool Crosscheck::enough() const {
  const auto ran =
      std::count_if(opinions.begin(), opinions.end(), [](const Opinion& each) { return each.ran(); });
  return !opinions.empty() && opinions.front().ran() && ran >= 2;
}

Crosscheck make_crosscheck(std::string name, std::vector<Opinion> opinions, std::vector<std::string> notes) {
  Crosscheck check;
  check.name = std::move(name);
  check.opinions = std::move(opinions);
  check.notes = std::move(notes);
  add_figure(check, "allocations", &Opinion::allocations, kCallTolerance);
  add_figure(check, "allocated", &Opinion::allocated_bytes, kByteTolerance);
  add_figure(check, "peak", &Opinion::peak_bytes, kByteTolerance);
  add_figure(check, "live at exit", &Opinion::exit_bytes, kByteTolerance);
  add_figure(check, "definitely lost", &Opinion::lost_bytes, kByteTolerance);
  check.peak_places = compare_places(check.opinions, &Opinion::peak_places);
  check.exit_places = compare_places(check.opinions, &Opinion::exit_places);
  return check;
}

int exit_status(const Crosscheck& crosscheck) {
  if (!crosscheck.enough()) return 4;
  return crosscheck.disagreements() > 0 ? 1 : 0;
}

}  // namespace leakhunt::reports
