#include "cli/race.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include <fmt/format.h>

#include "cli/planned_run.h"
#include "lib/recording/appender.h"
#include "lib/recording/reader.h"
#include "reports/analysis/twin_speed.h"

namespace leakhunt::cli {

namespace fs = std::filesystem;

namespace {

using recording::SpeedOfRun;
using recording::TwinSpeed;
using Lines = std::vector<std::string>;  // by clue

uint64_t processors() {
  cpu_set_t usable;
  CPU_ZERO(&usable);
  return sched_getaffinity(0, sizeof usable, &usable) == 0 ? static_cast<uint64_t>(CPU_COUNT(&usable)) : 1;
}

// The last line of the log that begins so, without its beginning; empty: none does.
Lines clues_in(const fs::path& log, const std::vector<std::string>& clues) {
  Lines found(clues.size());
  std::ifstream in(log);
  for (std::string line; std::getline(in, line);) {
    for (size_t i = 0; i < clues.size(); ++i) {
      if (line.starts_with(clues[i])) found[i] = line.substr(clues[i].size());
    }
  }
  return found;
}

class RaceTrack {
 public:
  RaceTrack(const runner::Race& race, const std::string& shown, const Surroundings& surroundings,
            runner::SignalWatch& signals, const fs::path& out)
      : race_(race), shown_(shown), surroundings_(surroundings), signals_(signals), out_(out) {
    speed_.twin = race.twin.scenario.name;
    speed_.least_ratio = race.least_ratio;
    speed_.processors = processors();
    speed_.processors_needed = race.processors;
  }

  // Who goes first changes from pair to pair.
  void run() {
    for (uint64_t i = 0; i < race_.pairs && speed_.obstacle.empty(); ++i) {
      recording::SpeedPair pair;
      const bool twin_first = i % 2 == 1;
      for (const bool is_twin : {twin_first, !twin_first}) {
        if (speed_.obstacle.empty()) run_one(i, is_twin, is_twin ? pair.twin : pair.subject);
      }
      if (speed_.obstacle.empty()) speed_.pairs.push_back(pair);
    }
    choose_clues();
  }

  void give_up(const std::string& why) { speed_.obstacle = why; }
  const TwinSpeed& speed() const { return speed_; }
  int interrupted_by() const { return interrupted_by_; }

 private:
  void run_one(uint64_t number, bool is_twin, SpeedOfRun& speed) {
    const runner::Plan& plan = is_twin ? race_.twin : race_.subject;
    const char* whose = is_twin ? "twin" : "itself";
    const auto out = runner::OutputDirectory::open(out_ / "race" / whose);
    if (!out) return give_up(out.error());
    const std::string shown = fmt::format("{}: pair {}/{}, {}", shown_, number + 1, race_.pairs, whose);
    runner::Order order = order_of(plan, shown, surroundings_);
    if (order.progress == runner::ProgressStyle::kLines) order.progress = runner::ProgressStyle::kNone;
    const auto watched = runner::conduct(order, *out, signals_);
    if (!watched) return give_up(watched.error());
    const recording::Outcome& outcome = watched->outcome;
    interrupted_by_ = watched->interrupted_by;
    if (!outcome.stopped_for.empty())
      return give_up(fmt::format("the runner stopped a short run ({}): {}", whose, outcome.stopped_for));
    if (outcome.exit_status != 0 || outcome.signal != 0)
      return give_up(fmt::format("a short run ({}) failed; its output is in {}", whose,
                                 fs::proximate(out->log()).string()));
    const auto run = recording::read_recording(out->recording().string());
    if (!run) return give_up(run.error().message);
    speed.per_second = reports::brisk_per_second(*run).value_or(0);
    speed.iterations = plan.scenario.iterations;
    speed.wall_ns = outcome.wall_ns;
    speed.cpu_ns = watched->use.cpu_ns;
    speed.voluntary_switches = watched->use.voluntary_switches;
    speed.involuntary_switches = watched->use.involuntary_switches;
    (is_twin ? twin_lines_ : subject_lines_).push_back(clues_in(out->log(), race_.clues));
  }

  // Of the pair in the middle: what it says belongs to the figures.
  void choose_clues() {
    if (speed_.pairs.empty()) return;
    const double middle = reports::speed_ratio(speed_).median;
    const auto off = [&](const recording::SpeedPair& pair) {
      return std::abs(pair.subject.per_second - middle * pair.twin.per_second);
    };
    const auto nearest = std::min_element(speed_.pairs.begin(), speed_.pairs.end(),
                                          [&](const auto& a, const auto& b) { return off(a) < off(b); });
    const auto number = static_cast<size_t>(nearest - speed_.pairs.begin());
    for (size_t i = 0; i < race_.clues.size(); ++i) {
      const std::string& subject = subject_lines_[number][i];
      const std::string& twin = twin_lines_[number][i];
      if (!subject.empty() && !twin.empty()) speed_.clues.push_back({race_.clues[i], subject, twin});
    }
  }

  const runner::Race& race_;
  const std::string& shown_;
  const Surroundings& surroundings_;
  runner::SignalWatch& signals_;
  const fs::path& out_;
  TwinSpeed speed_;
  std::vector<Lines> subject_lines_;  // by pair
  std::vector<Lines> twin_lines_;
  int interrupted_by_ = 0;
};

}  // namespace

tl::expected<void, std::string> race_with_twin(const runner::Schedule& schedule, const std::string& shown,
                                               const Surroundings& surroundings, runner::SignalWatch& signals,
                                               const runner::OutputDirectory& out, runner::Watched& watched) {
  if (!schedule.race || watched.interrupted_by != 0) return {};
  RaceTrack track(*schedule.race, shown, surroundings, signals, out.path());
  const recording::Outcome& outcome = watched.outcome;
  const bool ended =
      watched.certainty || (outcome.stopped_for.empty() && outcome.exit_status == 0 && outcome.signal == 0);
  if (!ended) {
    track.give_up("the run itself did not come to its end");
  } else {
    track.run();
  }
  watched.interrupted_by = track.interrupted_by();
  const auto appended = recording::append_record(out.recording().string(), recording::RecordType::kTwinSpeed,
                                                 recording::encode(track.speed()));
  if (!appended) return tl::unexpected(appended.error().message);
  return {};
}

}  // namespace leakhunt::cli
