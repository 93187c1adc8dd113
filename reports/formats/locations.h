// locations: stacks as those formats see them that keep addresses: a location is one return address with all
// that was inlined there. The same location in two stacks has the same number.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "reports/formats/profile.h"

namespace leakhunt::reports {

struct Location {
  uint64_t address = 0;  // of return; 0: stands for something that has none
  FrameSpan frames;      // innermost first; empty: only `name` is known
  std::string name;      // of one without an address: a tag, "(no stack)"
};

class Locations {
 public:
  explicit Locations(const Report& report) : report_(report) {}

  // Innermost first, indices into all(). A site without a stack has the location "(no stack)"; one whose
  // stack was cut off ends with one that says so. The allocator's own frames are left out.
  std::vector<size_t> of_site(recording::SiteId site);
  // The location that stands for a tag.
  size_t of_tag(recording::TagId tag);

  const std::vector<Location>& all() const { return all_; }

 private:
  size_t named(const std::string& name);

  const Report& report_;
  std::vector<Location> all_;
  // By address and frames: of the innermost one a part may be the allocator's, and is missing.
  std::map<std::pair<uint64_t, size_t>, size_t> by_address_;
  std::map<std::string, size_t> by_name_;
};

}  // namespace leakhunt::reports
