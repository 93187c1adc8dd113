#include "lib/recording/superseded_peaks.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "lib/recording/counter_arithmetic.h"

namespace leakhunt::recording {

namespace {

constexpr uint64_t kSurpassedBy = 20;  // by a 20th
constexpr size_t kRowsPayload = 48 << 10;
constexpr uint64_t kMostSites = uint64_t{1} << 26;

// Records that may stand between two snapshots and say nothing of the first.
bool stands_between(RecordType type) {
  switch (type) {
    case RecordType::kSite:
    case RecordType::kTag:
    case RecordType::kModule:
    case RecordType::kModuleClosed:
    case RecordType::kThread:
    case RecordType::kSnapshotRows:
    case RecordType::kSnapshot:
      return true;
    default:
      return false;
  }
}

}  // namespace

void SupersededPeaks::look(RecordType type, std::span<const uint8_t> payload) {
  const uint64_t number = looked_++;
  if (type == RecordType::kProcessStart) decide();
  const bool is_next = !peaks_.empty() && peaks_.back().record + 1 == number;
  if (is_next && !stands_between(type)) peaks_.back().stays = true;
  if (type != RecordType::kSnapshot) return;
  Decoder in{payload.data(), payload.data() + payload.size()};
  const SnapshotRecord record = decode_snapshot(in);
  if (in.failed || record.kind != SnapshotKind::kPeak || record.absolute) return;
  peaks_.push_back({number, record.heap_peak_bytes, false});
}

// Of an image whose end was seen. From the last peak, which stays, backwards.
void SupersededPeaks::decide() {
  uint64_t next = 0;
  for (const Peak& peak : std::views::reverse(peaks_)) {
    const bool is_last = &peak == &peaks_.back();
    if (is_last || peak.stays || next > peak.heap_bytes + peak.heap_bytes / kSurpassedBy) {
      next = peak.heap_bytes;
    } else {
      dropped_.insert(peak.record);
    }
  }
  peaks_.clear();
}

void SupersededPeaks::begin_image() {
  sites_.clear();
  changing_.clear();
  open_.clear();
  rows_.clear();
  tag_peaks_.clear();
  highest_tag_peaks_.clear();
  written_tag_peaks_.clear();
  sequence_ = 0;
  heap_peak_ = 0;
  peak_error_ = 0;
  adding_ = passed_ <= last_dropped_ && !dropped_.empty();
}

bool SupersededPeaks::pass(RecordType type, std::span<const uint8_t> payload, const Take& take) {
  if (passed_ == 0) {
    decide();
    for (const uint64_t each : dropped_) last_dropped_ = std::max(last_dropped_, each);
  }
  const uint64_t number = passed_++;
  if (type == RecordType::kProcessStart) begin_image();
  if (type == RecordType::kSnapshotRows && adding_) return take_rows(payload);
  if (type == RecordType::kSnapshot) return take_snapshot(payload, dropped_.contains(number), take);
  take(type, payload);
  return true;
}

bool SupersededPeaks::take_rows(std::span<const uint8_t> payload) {
  Decoder in{payload.data(), payload.data() + payload.size()};
  SiteId site{0};
  while (in.cursor != in.end) {
    Counters counters{};
    site = decode_row(in, site, &counters);
    if (in.failed || static_cast<uint64_t>(site) > kMostSites) return false;
    rows_.emplace_back(static_cast<uint32_t>(site), counters);
  }
  return true;
}

SupersededPeaks::Site& SupersededPeaks::site_at(uint32_t index) {
  if (index >= sites_.size()) sites_.resize(std::max<size_t>(index + 1, sites_.size() * 2));
  Site& site = sites_[index];
  if (!site.is_open) open_.push_back(index);
  site.is_open = true;
  return site;
}

// See SnapshotRecord for what rows mean.
void SupersededPeaks::apply_rows(bool absolute) {
  if (absolute) {
    for (const uint32_t index : changing_) sites_[index].changes = false;
    for (const uint32_t index : changing_) sites_[index].change = {};
    changing_.clear();
  }
  for (const auto& [index, counters] : rows_) {
    Site& site = site_at(index);
    if (absolute) {
      site.total = counters;
      continue;
    }
    site.change = counters;
    if (!site.changes) changing_.push_back(index);
    site.changes = true;
  }
  rows_.clear();
  std::erase_if(changing_, [&](uint32_t index) {
    Site& site = sites_[index];
    site.changes = !is_zero(site.change);
    return !site.changes;
  });
  for (const uint32_t index : changing_) add(site_at(index).total, sites_[index].change);
}

bool SupersededPeaks::take_snapshot(std::span<const uint8_t> payload, bool is_dropped, const Take& take) {
  Decoder in{payload.data(), payload.data() + payload.size()};
  SnapshotRecord record = decode_snapshot(in);
  for (uint64_t i = 0; i < record.tag_peak_count && !in.failed; ++i) {
    TagId tag{};
    const uint64_t peak = decode_tag_peak(in, &tag);
    tag_peaks_[tag] = peak;
  }
  if (in.failed) return false;
  for (const auto& [tag, peak] : tag_peaks_) {
    uint64_t& highest = highest_tag_peaks_[tag];
    highest = std::max(highest, peak);
  }
  heap_peak_ = std::max(heap_peak_, record.heap_peak_bytes);
  peak_error_ = std::max(peak_error_, record.peak_error_bytes);
  if (adding_) apply_rows(record.absolute);
  if (!is_dropped) write(record, take);
  return true;
}

uint64_t SupersededPeaks::write_rows(bool absolute, const Take& take) {
  std::vector<uint8_t> payload(kRowsPayload);
  uint64_t count = 0;
  SiteId previous{0};
  Encoder out{payload.data(), payload.data() + payload.size()};
  const auto finish = [&] {
    const size_t bytes = static_cast<size_t>(out.cursor - payload.data());
    if (bytes > 0) take(RecordType::kSnapshotRows, std::span(payload).first(bytes));
    out.cursor = payload.data();
    previous = SiteId{0};
  };
  const auto put = [&](uint32_t index, const Counters& counters) {
    if (static_cast<size_t>(out.end - out.cursor) < kMaxRow) finish();
    encode_row(out, previous, SiteId{index}, counters);
    previous = SiteId{index};
    ++count;
  };
  std::sort(open_.begin(), open_.end());
  for (const uint32_t index : open_) {
    Site& site = sites_[index];
    const Counters change = difference(site.total, site.written);
    if (!absolute && !same(change, site.written_change)) put(index, change);
    site.written = site.total;
    site.written_change = absolute ? Counters{} : change;
    site.is_open = !is_zero(site.written_change);
  }
  std::erase_if(open_, [&](uint32_t index) { return !sites_[index].is_open; });
  for (uint32_t index = 0; absolute && index < sites_.size(); ++index) {
    if (!is_zero(sites_[index].total)) put(index, sites_[index].total);
  }
  finish();
  return count;
}

// In between, key frames become like all others; the one that ends the adding stays, so that it and what
// follows can be passed on as they are.
void SupersededPeaks::write(SnapshotRecord record, const Take& take) {
  if (adding_) {
    const bool ends = record.absolute && passed_ > last_dropped_;
    record.absolute = ends;
    record.row_count = write_rows(record.absolute, take);
    adding_ = !ends;
  }
  record.sequence = sequence_++;
  record.heap_peak_bytes = std::exchange(heap_peak_, 0);
  record.peak_error_bytes = std::exchange(peak_error_, 0);
  std::erase_if(highest_tag_peaks_, [&](const auto& peak) {
    const auto written = written_tag_peaks_.find(peak.first);
    return written != written_tag_peaks_.end() && written->second == peak.second;
  });
  record.tag_peak_count = highest_tag_peaks_.size();
  std::vector<uint8_t> payload((16 + 2 * record.tag_peak_count) * kMaxVarint);
  Encoder out{payload.data(), payload.data() + payload.size()};
  encode(out, record);
  for (const auto& [tag, peak] : highest_tag_peaks_) {
    encode_tag_peak(out, tag, peak);
    written_tag_peaks_[tag] = peak;
  }
  highest_tag_peaks_.clear();
  take(RecordType::kSnapshot, std::span(payload).first(static_cast<size_t>(out.cursor - payload.data())));
}

}  // namespace leakhunt::recording
