// SnapshotWriter: cuts through the counters of all threads and appends what changed since the cut before.
//
// For every site it keeps the totals and the difference it wrote last. A site whose difference repeats is not
// written (see SnapshotRecord in codec.h); so that nothing is overlooked it visits every site that a thread
// marked as changed, and every site whose last difference was not zero.
//
// Thread-safety: the recorder's lock is held; the threads count on meanwhile.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/append_file.h"
#include "instrument/os/page_list.h"
#include "instrument/os/page_slab.h"
#include "instrument/tracker/counter_rows.h"
#include "instrument/tracker/tags.h"
#include "lib/recording/codec.h"

namespace leakhunt::tracker {

class SnapshotWriter {
 public:
  // False when there is no memory or no room in the file (file.error()).
  // `record` is complete but for sequence, absolute and tag_peak_count; tag_peaks[i] for i < tag_count.
  bool write(AppendFile& file, recording::SnapshotRecord record, uint32_t site_count,
             const uint64_t* tag_peaks, size_t tag_count);

  // Of a site, at the last snapshot.
  uint64_t live_bytes(SiteId site) const {
    const HistoryPage* page = pages_[static_cast<uint32_t>(site) / kRowsPerPage];
    if (page == nullptr) return 0;
    const Counters& total = page->rows[static_cast<uint32_t>(site) % kRowsPerPage].total;
    return total.allocated_bytes > total.freed_bytes ? total.allocated_bytes - total.freed_bytes : 0;
  }

  // As if nothing had been written: for another file.
  void clear();

 private:
  // Of Counters, where they fit: nearly always.
  struct Narrow {
    uint32_t values[6];
  };
  struct History {
    Counters total;
    Narrow difference;
  };
  struct HistoryPage {
    uint64_t active;  // rows whose last difference was not zero
    uint64_t wide;    // rows whose last difference is in wide_
    History rows[kRowsPerPage];
  };
  struct WideDifference {
    SiteId site;
    Counters difference;
  };

  // One SnapshotRows record after the other.
  class Rows {
   public:
    explicit Rows(AppendFile& file) : file_(file) {}
    bool put(SiteId site, const Counters& counters);
    void finish();
    uint64_t bytes() const { return bytes_; }
    uint64_t count() const { return count_; }

   private:
    AppendFile& file_;
    uint8_t* payload_ = nullptr;
    recording::Encoder out_{nullptr, nullptr};
    SiteId previous_{};
    uint64_t bytes_ = 0;
    uint64_t count_ = 0;
  };

  bool write_changes(Rows& rows);
  bool write_everything(Rows& rows, uint32_t site_count);
  bool write_page(Rows& rows, uint32_t page, uint64_t changed);
  // What changed at a site since the last call. False without memory.
  bool update(SiteId site, Counters* changed, bool* repeats);
  WideDifference* find_wide(SiteId site);
  Counters last_difference(SiteId site);
  bool set_last_difference(SiteId site, const Counters& difference);
  HistoryPage* history_page(uint32_t page);
  bool key_frame_due(recording::SnapshotKind kind) const;
  bool tag_peak_changed(const uint64_t* tag_peaks, size_t tag, bool key_frame) const;

  HistoryPage* pages_[kMaxRowPages] = {};
  PageSlab slab_;
  PageList<WideDifference> wide_;  // of 4 GiB or more between two snapshots: of a few sites at most
  uint64_t active_pages_[kMaxRowPages / 64] = {};
  uint64_t tag_peaks_[kMaxTags] = {};
  uint64_t sequence_ = 0;
  uint64_t bytes_since_key_frame_ = 0;
  uint64_t key_frame_bytes_ = 0;
};

}  // namespace leakhunt::tracker
