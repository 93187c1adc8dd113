#include "instrument/tracker/snapshot.h"

#include "instrument/tracker/thread_state.h"
#include "lib/recording/counter_arithmetic.h"

namespace leakhunt::tracker {

using recording::Encoder;
using recording::RecordType;
using recording::SnapshotKind;
using recording::SnapshotRecord;

namespace {

constexpr size_t kRowsPayload = 48 << 10;
// A key frame costs at most a quarter of the file, and a reader that lost its way finds it again soon.
constexpr uint64_t kLeastKeyFrameDistance = 32 << 10;
constexpr uint64_t kKeyFrameShare = 4;

Counters sum_over_threads(SiteId site) {
  Counters sum{};
  for (ThreadState* thread = all_thread_states(); thread != nullptr; thread = thread->next) {
    thread->rows.add_to(site, &sum);
  }
  return sum;
}

SiteId site_at(uint32_t page, uint32_t row) {
  return static_cast<SiteId>(page * kRowsPerPage + row);
}

// Index of the lowest bit, which is taken out.
uint32_t next_bit(uint64_t* bits) {
  const uint32_t index = static_cast<uint32_t>(__builtin_ctzll(*bits));
  *bits &= *bits - 1;
  return index;
}

}  // namespace

bool SnapshotWriter::write(AppendFile& file, SnapshotRecord record, uint32_t site_count,
                           const uint64_t* tag_peaks, size_t tag_count) {
  record.sequence = sequence_;
  record.absolute = key_frame_due(record.kind);
  Rows rows(file);
  if (!(record.absolute ? write_everything(rows, site_count) : write_changes(rows))) return false;
  rows.finish();

  record.row_count = rows.count();
  record.tag_peak_count = 0;
  for (size_t tag = 0; tag < tag_count; ++tag) {
    if (tag_peak_changed(tag_peaks, tag, record.absolute)) ++record.tag_peak_count;
  }
  const size_t capacity = (16 + 2 * record.tag_peak_count) * recording::kMaxVarint;
  uint8_t* payload = file.reserve(capacity);
  if (payload == nullptr) return false;
  Encoder out{payload, payload + capacity};
  encode(out, record);
  for (size_t tag = 0; tag < tag_count; ++tag) {
    if (!tag_peak_changed(tag_peaks, tag, record.absolute)) continue;
    recording::encode_tag_peak(out, static_cast<TagId>(tag), tag_peaks[tag]);
    tag_peaks_[tag] = tag_peaks[tag];
  }
  file.commit(RecordType::kSnapshot, static_cast<size_t>(out.cursor - payload));

  ++sequence_;
  bytes_since_key_frame_ += rows.bytes();
  if (record.absolute) {
    key_frame_bytes_ = rows.bytes();
    bytes_since_key_frame_ = 0;
  }
  return true;
}

void SnapshotWriter::clear() {
  for (HistoryPage* page : pages_) {
    if (page != nullptr) *page = HistoryPage{};
  }
  wide_.shrink(0);
  for (uint64_t& word : active_pages_) word = 0;
  for (uint64_t& peak : tag_peaks_) peak = 0;
  sequence_ = 0;
  bytes_since_key_frame_ = 0;
  key_frame_bytes_ = 0;
}

bool SnapshotWriter::key_frame_due(SnapshotKind kind) const {
  if (kind == SnapshotKind::kFinal || sequence_ == 0) return true;
  return bytes_since_key_frame_ > kLeastKeyFrameDistance &&
         bytes_since_key_frame_ > kKeyFrameShare * key_frame_bytes_;
}

// In a key frame: all that are not zero.
bool SnapshotWriter::tag_peak_changed(const uint64_t* tag_peaks, size_t tag, bool key_frame) const {
  return tag_peaks[tag] != tag_peaks_[tag] || (key_frame && tag_peaks[tag] != 0);
}

bool SnapshotWriter::write_changes(Rows& rows) {
  for (uint32_t word = 0; word < kMaxRowPages / 64; ++word) {
    uint64_t pages = active_pages_[word];
    for (ThreadState* thread = all_thread_states(); thread != nullptr; thread = thread->next) {
      pages |= thread->rows.take_dirty_pages(word);
    }
    active_pages_[word] = 0;
    while (pages != 0) {
      const uint32_t page = word * 64 + next_bit(&pages);
      uint64_t changed = 0;
      for (ThreadState* thread = all_thread_states(); thread != nullptr; thread = thread->next) {
        changed |= thread->rows.take_dirty_rows(page);
      }
      if (!write_page(rows, page, changed)) return false;
    }
  }
  return true;
}

bool SnapshotWriter::write_page(Rows& rows, uint32_t page, uint64_t changed) {
  HistoryPage* history = history_page(page);
  if (history == nullptr) return false;
  uint64_t visit = changed | history->active;
  history->active = changed;  // looked at once more next time: see counter_rows.h
  while (visit != 0) {
    const uint32_t row = next_bit(&visit);
    const SiteId site = site_at(page, row);
    Counters since{};
    bool repeats = false;
    if (!update(site, &since, &repeats)) return false;
    if (!is_zero(since)) history->active |= uint64_t{1} << row;
    if (!repeats && !rows.put(site, since)) return false;
  }
  if (history->active != 0) active_pages_[page / 64] |= uint64_t{1} << (page % 64);
  return true;
}

// After a key frame every difference counts as zero, for the writer as for the reader: one who lost what came
// before can go on from here.
bool SnapshotWriter::write_everything(Rows& rows, uint32_t site_count) {
  for (uint32_t index = 0; index < site_count; ++index) {
    HistoryPage* page = history_page(index / kRowsPerPage);
    if (page == nullptr) return false;
    const SiteId site{index};
    History& history = page->rows[index % kRowsPerPage];
    history.total = sum_over_threads(site);
    if (!set_last_difference(site, Counters{})) return false;
    if (!is_zero(history.total) && !rows.put(site, history.total)) return false;
  }
  return true;
}

bool SnapshotWriter::update(SiteId site, Counters* changed, bool* repeats) {
  const uint32_t index = static_cast<uint32_t>(site);
  History& history = pages_[index / kRowsPerPage]->rows[index % kRowsPerPage];
  const Counters now = sum_over_threads(site);
  *changed = difference(now, history.total);
  *repeats = same(*changed, last_difference(site));
  history.total = now;
  return *repeats || set_last_difference(site, *changed);
}

SnapshotWriter::WideDifference* SnapshotWriter::find_wide(SiteId site) {
  for (WideDifference& each : wide_) {
    if (each.site == site) return &each;
  }
  return nullptr;
}

Counters SnapshotWriter::last_difference(SiteId site) {
  const uint32_t index = static_cast<uint32_t>(site);
  const HistoryPage& page = *pages_[index / kRowsPerPage];
  if (unlikely((page.wide >> index % kRowsPerPage & 1) != 0)) return find_wide(site)->difference;
  const uint32_t(&values)[6] = page.rows[index % kRowsPerPage].difference.values;
  return {values[0], values[1], values[2], values[3], values[4], values[5]};
}

bool SnapshotWriter::set_last_difference(SiteId site, const Counters& difference) {
  const uint32_t index = static_cast<uint32_t>(site);
  HistoryPage& page = *pages_[index / kRowsPerPage];
  const uint64_t bit = uint64_t{1} << index % kRowsPerPage;
  const uint64_t all = difference.allocations | difference.allocated_bytes | difference.frees |
                       difference.freed_bytes | difference.temporary_blocks | difference.temporary_bytes;
  WideDifference* wide = unlikely((page.wide & bit) != 0) ? find_wide(site) : nullptr;
  if (unlikely(all > UINT32_MAX)) {
    if (wide == nullptr && !wide_.add({site, difference})) return false;
    if (wide != nullptr) wide->difference = difference;
    page.wide |= bit;
    return true;
  }
  if (unlikely(wide != nullptr)) {
    *wide = wide_[wide_.size() - 1];
    wide_.shrink(wide_.size() - 1);
    page.wide &= ~bit;
  }
  page.rows[index % kRowsPerPage].difference = {
      {static_cast<uint32_t>(difference.allocations), static_cast<uint32_t>(difference.allocated_bytes),
       static_cast<uint32_t>(difference.frees), static_cast<uint32_t>(difference.freed_bytes),
       static_cast<uint32_t>(difference.temporary_blocks),
       static_cast<uint32_t>(difference.temporary_bytes)}};
  return true;
}

SnapshotWriter::HistoryPage* SnapshotWriter::history_page(uint32_t page) {
  if (pages_[page] == nullptr) pages_[page] = static_cast<HistoryPage*>(slab_.take(sizeof(HistoryPage)));
  return pages_[page];
}

bool SnapshotWriter::Rows::put(SiteId site, const Counters& counters) {
  if (payload_ != nullptr && static_cast<size_t>(out_.end - out_.cursor) < recording::kMaxRow) finish();
  if (payload_ == nullptr) {
    payload_ = file_.reserve(kRowsPayload);
    if (payload_ == nullptr) return false;
    out_ = Encoder{payload_, payload_ + kRowsPayload};
    previous_ = SiteId{0};
  }
  recording::encode_row(out_, previous_, site, counters);
  previous_ = site;
  ++count_;
  return true;
}

void SnapshotWriter::Rows::finish() {
  if (payload_ == nullptr) return;
  const size_t size = static_cast<size_t>(out_.cursor - payload_);
  file_.commit(RecordType::kSnapshotRows, size);
  bytes_ += size;
  payload_ = nullptr;
}

}  // namespace leakhunt::tracker
