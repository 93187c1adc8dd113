// SeriesBuilder: rows of snapshots become the series of call sites.
//
// A site without a row goes on as before, so nothing is done for it: its last stretch stays open, and is
// brought up to date when its next row comes or when somebody looks (settle_all). The cost of a snapshot is
// that of its rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lib/recording/codec.h"
#include "lib/recording/run.h"

namespace leakhunt::recording {

class SeriesBuilder {
 public:
  struct Row {
    SiteId site;
    Counters counters;
  };

  // Takes the rows of one SnapshotRows record; they wait for their snapshot. False when the payload is
  // impossible: sites that do not ascend, or counters that are cut off. The waiting rows are then dropped.
  bool add_rows(Decoder& in);
  void drop_rows() { rows_.clear(); }
  const std::vector<Row>& rows() const { return rows_; }

  // The waiting rows (of known sites) are what changed in snapshot `index`, the next one.
  void apply_changes(std::vector<CallSite>& sites, uint32_t index);

  // The waiting rows are counters since the start, at snapshot `index`, the next one. Returns how many sites
  // had counted more before; their series begins anew here with the row's value.
  size_t apply_key_frame(std::vector<CallSite>& sites, uint32_t index);

  // Brings every series and total up to `snapshots`.
  void settle_all(std::vector<CallSite>& sites, uint32_t snapshots);

  // For a new process image.
  void clear();

 private:
  struct State {
    Counters difference{};  // what the site did in the last snapshot
    uint32_t settled = 0;   // snapshots that its series and total contain
  };

  static void settle(CallSite& site, State& state, uint32_t snapshots);
  static void change(CallSite& site, State& state, uint32_t index, const Counters& difference);

  std::vector<Row> rows_;
  std::vector<State> states_;
};

}  // namespace leakhunt::recording
