// SeriesBuilder: rows of snapshots become the series of call sites.
//
// A site without a row goes on as before, so nothing is done for it: its last stretch stays open, and is
// brought up to date when its next row comes or when somebody looks (settle_all). The cost of a snapshot is
// that of its rows. Rows wait until there are many, and are then applied site by site: what is written next
// lies near what was written last, and several threads can share the work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
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
  void drop_rows() { rows_.resize(queued_); }
  std::span<const Row> rows() const { return std::span<const Row>(rows_).subspan(queued_); }

  // The waiting rows (of known sites) are what changed in snapshot `index`, the next one. Seen in `sites`
  // only after settle_all().
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

  // Rows whose snapshot is known, and which are not in any series yet.
  struct Queued {
    uint32_t index;  // of the snapshot
    size_t end;      // of its rows
  };

  void apply_queued(std::vector<CallSite>& sites);
  void apply_to(std::vector<CallSite>& sites, size_t begin, size_t end);
  static void settle(CallSite& site, State& state, uint32_t snapshots);
  static void change(CallSite& site, State& state, uint32_t index, const Counters& difference);

  std::vector<Row> rows_;
  std::vector<Queued> snapshots_;
  size_t queued_ = 0;  // of the rows; the others wait for their snapshot
  std::vector<State> states_;
};

}  // namespace leakhunt::recording
