// speedscope's own JSON: sampled profiles in bytes. Unless one moment was asked for: the end, the peak, and
// what was gained after warm-up.
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "reports/formats/formats.h"
#include "reports/formats/json_values.h"
#include "reports/formats/labels.h"
#include "reports/formats/profile.h"

namespace leakhunt::reports {

namespace {

class Frames {
 public:
  size_t index(const std::string& name) {
    const auto [found, added] = indices_.try_emplace(name, frames_.size());
    if (added) frames_.push_back({{"name", name}});
    return found->second;
  }
  Json take() { return std::move(frames_); }

 private:
  std::map<std::string, size_t> indices_;
  Json frames_ = Json::array();
};

Json profile_json(const Report& report, const Moment& moment, Frames& frames) {
  Json samples = Json::array();
  Json weights = Json::array();
  int64_t total = 0;
  for (const Stack& stack : merged_stacks(report, make_profile(report, moment))) {
    Json sample = Json::array();
    for (const std::string& name : stack.names) sample.push_back(frames.index(name));
    samples.push_back(std::move(sample));
    weights.push_back(stack.bytes);
    total += stack.bytes;
  }
  return {{"type", "sampled"},
          {"name", (moment.from ? "growth " : "live heap ") + moment.words},
          {"unit", "bytes"},
          {"startValue", 0},
          {"endValue", total},
          {"samples", std::move(samples)},
          {"weights", std::move(weights)}};
}

}  // namespace

void write_speedscope(const Report& report, const Moment& moment, std::ostream& out) {
  std::vector<Moment> moments = {moment};
  if (!moment.chosen) {
    moments.push_back(moment_at_peak(report));
    if (const auto growth = growth_after_warm_up(report)) moments.push_back(*growth);
  }
  Frames frames;
  Json profiles = Json::array();
  for (const Moment& each : moments) profiles.push_back(profile_json(report, each, frames));
  const Json file = {{"$schema", "https://www.speedscope.app/file-format-schema.json"},
                     {"name", title_label(report)},
                     {"exporter", "leakhunt"},
                     {"activeProfileIndex", 0},
                     {"shared", {{"frames", frames.take()}}},
                     {"profiles", std::move(profiles)}};
  out << file.dump(-1, ' ', true, Json::error_handler_t::replace) << '\n';
}

}  // namespace leakhunt::reports
