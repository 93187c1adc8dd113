// RunBuilder: records -> Run, the meaning of every record in one place. It trusts nothing: a record with a
// good checksum and impossible content (an id out of order, an unknown site, a count that cannot be) is
// damage as well.
//
// Behind damage the counters of sites are not known until the next key frame, so snapshots in between are
// dropped and counted as lost: every snapshot of a Run has exact series. An id whose record was destroyed is
// kept as a lost site, a lost tag or an empty module; what was skipped has to be large enough to have held
// that record.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "lib/recording/frame_scanner.h"
#include "lib/recording/host_codec.h"
#include "lib/recording/ledger_builder.h"
#include "lib/recording/run.h"
#include "lib/recording/series_builder.h"

namespace leakhunt::recording {

class RunBuilder {
 public:
  // The next frame of the file.
  void take(const Frame& frame);

  // What lay in front of it and could not be read.
  void skipped(const Skipped& skipped);

  // Brings series, totals and damage up to date; `tail` is what lies behind the last frame taken.
  void settle(const Tail& tail);

  // As of the last settle().
  const Run& run() const { return run_; }
  Run& run() { return run_; }

 private:
  bool take_payload(RecordType type, Decoder& in);
  bool take_process_start(Decoder& in);
  bool take_module(Decoder& in);
  bool take_module_closed(Decoder& in);
  bool take_tag(Decoder& in);
  bool take_site(Decoder& in);
  bool take_rows(Decoder& in);
  bool take_snapshot(Decoder& in);
  bool take_tag_peaks(Decoder& in, uint64_t count);
  bool take_cohorts(Decoder& in);
  bool take_ledger_sites(Decoder& in);
  bool take_ledger(Decoder& in);
  bool take_freed_place(Decoder& in);
  bool take_graph(Decoder& in);
  bool take_graph_sites(Decoder& in);
  bool take_graph_nodes(Decoder& in);
  bool take_graph_edges(Decoder& in);
  bool take_graph_end(Decoder& in);
  bool take_thread(Decoder& in);
  bool take_step_aside(Decoder& in);
  bool take_iteration_marks(Decoder& in);
  bool take_sampling(Decoder& in);
  bool take_attached(Decoder& in);
  bool take_process_end(Decoder& in);
  bool take_host_samples(Decoder& in);
  bool take_limits(Decoder& in);
  bool take_torn_tail(Decoder& in);

  void begin_image();
  void append_snapshot(const SnapshotRecord& record);
  void lose_track();
  void damage(uint64_t offset, uint64_t bytes, uint64_t records, std::string_view what);
  void note(const std::string& sentence);
  bool missing_ids_allowed(uint64_t missing);
  bool reach_tags(uint64_t count);
  bool reach_sites(uint64_t count);

  Run run_;
  Damage settled_damage_;  // without the tail's
  SeriesBuilder series_;
  LedgerBuilder ledger_;
  uint64_t offset_ = 0;  // of the frame being taken
  uint64_t next_sequence_ = 0;
  uint32_t module_epoch_ = 0;           // see CallSite::module_epoch
  bool lost_track_ = false;             // until the next key frame
  bool rows_missing_ = false;           // perhaps, of the next snapshot
  uint64_t lost_records_possible_ = 0;  // ids that the damage so far may have swallowed
  std::vector<uint64_t> tag_peaks_;     // of the snapshot before, by TagId
  std::vector<uint64_t> new_tag_peaks_;
  Cohorts open_cohorts_;  // a table whose end is still to come
  bool cohorts_open_ = false;
  std::optional<HeapGraph> open_graph_;  // whose end is still to come
  bool cohorts_damaged_ = false;         // the next part may be the middle of a table
};

}  // namespace leakhunt::recording
