// run_maker: a Run piece by piece, from what another tool's file says.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "lib/recording/run.h"

namespace leakhunt::reports {

// One return address with what was inlined there, innermost first.
struct ImportedFrame {
  std::string module = {};
  uint64_t offset = 0;  // or the address, where the file has no other
  std::vector<recording::SourceFrame> sources = {};
};

std::strong_ordering operator<=>(const ImportedFrame& a, const ImportedFrame& b);

class RunMaker {
 public:
  RunMaker();

  recording::TagId tag(const std::string& name);
  // The same frame twice has the same address.
  uint64_t address(const ImportedFrame& frame);
  // The same tag and stack twice are the same site. Innermost first.
  recording::SiteId site(recording::TagId tag, const std::vector<uint64_t>& frames, bool truncated = false);

  // What the site did since the last snapshot.
  void add(recording::SiteId site, const recording::Counters& counters);
  // The site holds that much now: what is more was allocated, what is less was freed.
  void hold(recording::SiteId site, uint64_t bytes, uint64_t blocks);
  void snapshot(recording::SnapshotKind kind, uint64_t time_ns, uint64_t rss_bytes = 0);

  // The command line as one text: program and arguments.
  void set_command(std::string_view command);

  // Ends with what was added since the last snapshot as the final one, if there is any or there is none yet.
  recording::Run take() &&;

 private:
  struct Held {
    uint64_t bytes = 0;
    uint64_t blocks = 0;
  };

  recording::Run run_;
  std::map<std::string, recording::TagId> tags_;
  std::map<ImportedFrame, uint64_t> addresses_;
  std::map<std::tuple<recording::TagId, std::vector<uint64_t>, bool>, recording::SiteId> sites_;
  std::map<recording::SiteId, recording::Counters> open_;  // since the last snapshot
  std::vector<Held> held_;                                 // by site
};

}  // namespace leakhunt::reports
