// SupersededPeaks: takes snapshots out of a finished recording that nobody needs any more.
//
// The tracker cannot know which maximum of the heap is the last, so it takes a snapshot of each that is 1 %
// above those before. Afterwards the last says what the peak was made of; of the others those stay that the
// next to stay surpasses by 5 %. What is dropped is added to the snapshot behind it: counters to its
// counters, maxima to its maxima. Every snapshot that stays has its exact counters, iteration and moment.
//
// Two passes over the same records of the target: look() at each, then pass() each on.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <unordered_set>
#include <vector>

#include "lib/recording/codec.h"
#include "lib/recording/format.h"

namespace leakhunt::recording {

class SupersededPeaks {
 public:
  using Take = std::function<void(RecordType, std::span<const uint8_t>)>;

  void look(RecordType type, std::span<const uint8_t> payload);

  // Calls `take` with what remains of the record. False when it is impossible.
  bool pass(RecordType type, std::span<const uint8_t> payload, const Take& take);

 private:
  struct Peak {
    uint64_t record;  // its number
    uint64_t heap_bytes;
    bool stays;  // something follows that refers to it
  };
  struct Site {
    Counters total{};   // as of the last snapshot
    Counters change{};  // which further snapshots without a row repeat
    Counters written{};
    Counters written_change{};
    bool changes = false;  // is in changing_
    bool is_open = false;  // is in open_
  };

  void decide();
  void begin_image();
  bool take_rows(std::span<const uint8_t> payload);
  bool take_snapshot(std::span<const uint8_t> payload, bool is_dropped, const Take& take);
  Site& site_at(uint32_t index);
  void apply_rows(bool absolute);
  uint64_t write_rows(bool absolute, const Take& take);
  void write(SnapshotRecord record, const Take& take);

  std::vector<Peak> peaks_;  // of the image that is looked at
  std::unordered_set<uint64_t> dropped_;
  uint64_t last_dropped_ = 0;
  uint64_t looked_ = 0;
  uint64_t passed_ = 0;

  bool adding_ = false;  // from the beginning to the first key frame behind the last that is dropped
  std::vector<Site> sites_;
  std::vector<uint32_t> changing_;  // sites whose change is not zero
  std::vector<uint32_t> open_;      // sites that were not written as they are now
  std::vector<std::pair<uint32_t, Counters>> rows_;
  std::map<TagId, uint64_t> tag_peaks_;
  std::map<TagId, uint64_t> highest_tag_peaks_;  // since the snapshot that was written last
  std::map<TagId, uint64_t> written_tag_peaks_;
  uint64_t sequence_ = 0;
  uint64_t heap_peak_ = 0;
  uint64_t peak_error_ = 0;
};

}  // namespace leakhunt::recording
