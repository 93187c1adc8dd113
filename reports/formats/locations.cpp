#include "reports/formats/locations.h"

#include "reports/formats/labels.h"

namespace leakhunt::reports {

std::vector<size_t> Locations::of_site(recording::SiteId site) {
  std::vector<size_t> result;
  FrameSpan rest = stack_of(report_, site);
  while (!rest.empty()) {
    size_t count = 1;
    while (count < rest.size() && rest[count - 1].inlined && rest[count].address == rest[0].address) ++count;
    const auto [found, added] = by_address_.try_emplace({rest[0].address, count}, all_.size());
    if (added) all_.push_back({rest[0].address, rest.first(count), {}});
    result.push_back(found->second);
    rest = rest.subspan(count);
  }
  if (result.empty()) result.push_back(named(std::string(kNoStack)));
  if (report_.run->sites[static_cast<size_t>(site)].truncated)
    result.push_back(named(std::string(kCutStack)));
  return result;
}

size_t Locations::of_tag(recording::TagId tag) {
  return named("tag " + tag_label(report_, tag));
}

size_t Locations::named(const std::string& name) {
  const auto [found, added] = by_name_.try_emplace(name, all_.size());
  if (added) all_.push_back({0, {}, name});
  return found->second;
}

}  // namespace leakhunt::reports
