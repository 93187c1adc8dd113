#include <algorithm>

#include "reports/analysis/held_blocks.h"
#include "reports/formats/held_blocks.h"
#include "reports/formats/json_report.h"
#include "reports/formats/retention.h"

namespace leakhunt::reports {

namespace {

using recording::Reach;

constexpr size_t kMostPlaces = 200;
constexpr size_t kMostRoots = 100;
constexpr size_t kMostSitesOfPlace = 20;

std::string tag_name(const Report& report, recording::TagId tag) {
  const auto index = static_cast<size_t>(tag);
  return index < report.run->tags.size() ? report.run->tags[index].name : std::string();
}

Json place_json(const Report& report, const LostPlace& lost) {
  const Place& place = report.growth.places[lost.place];
  const Attribution& attribution = report.growth.sites[static_cast<size_t>(place.sites.front())].attribution;
  const StackFrame* frame = attribution.frame();
  Json sites = Json::array();
  for (size_t i = 0; i < std::min(place.sites.size(), kMostSitesOfPlace); ++i)
    sites.push_back(static_cast<uint32_t>(place.sites[i]));
  return {{"tag", tag_name(report, place.tag)},
          {"function", frame == nullptr ? "" : frame_name(*frame)},
          {"file", frame == nullptr ? "" : frame->file},
          {"line", frame == nullptr ? 0 : frame->line},
          {"call_sites", std::move(sites)},
          {"held", reach_json(lost.held)}};
}

Json root_json(const Report& report, const RootHold& root) {
  return {{"kind", std::string(to_string(root.holder.root))},
          {"thread", root.holder.thread},
          {"words", root_words(report, root.holder)},
          {"bytes", root.bytes},
          {"blocks", root.blocks}};
}

}  // namespace

Json reach_json(std::span<const recording::ReachCount> held) {
  Json json = Json::array();
  for (size_t i = 0; i < held.size(); ++i) {
    json.push_back({{"reachability", to_string(static_cast<Reach>(i))},
                    {"blocks", held[i].blocks},
                    {"bytes", held[i].bytes}});
  }
  return json;
}

Json held_blocks_json(const Report& report) {
  const HeldBlocks blocks = find_held_blocks(*report.run, report.growth);
  if (blocks.graph == nullptr) return nullptr;
  const size_t places = std::min(blocks.lost.size(), kMostPlaces);
  const size_t roots = std::min(blocks.roots.size(), kMostRoots);
  Json json = {{"iteration", blocks.graph->iteration},
               {"at_end", blocks.graph->reason == recording::GraphReason::kExit},
               {"whole", blocks.graph->whole},
               {"held", reach_json(blocks.held)},
               {"lost", Json::array()},
               {"lost_left_out", blocks.lost.size() - places},
               {"roots", Json::array()},
               {"roots_left_out", blocks.roots.size() - roots}};
  for (size_t i = 0; i < places; ++i) json["lost"].push_back(place_json(report, blocks.lost[i]));
  for (size_t i = 0; i < roots; ++i) json["roots"].push_back(root_json(report, blocks.roots[i]));
  return json;
}

}  // namespace leakhunt::reports
