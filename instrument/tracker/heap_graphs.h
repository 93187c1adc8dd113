// HeapGraphs: when a heap graph is taken, and what becomes of it. The scan itself: instrument/heap_graph.
//
// By default a program pays for graphs only when it grows: each time the number of its iterations (or ticks)
// reaches a power of two, the live bytes of every call site are held against those at the two powers before;
// if one rose both times, two graphs are taken, an iteration apart, and one more at the program's end. By
// ticks not before the 32nd: what ends sooner is not judged, and had its scan for nothing.
//
// Thread-safety: the recorder's lock is held.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/heap_graph/scanner_process.h"
#include "instrument/tracker/recorder.h"

namespace leakhunt::tracker {

struct GraphPlan {
  enum class When : uint8_t { kGrowth, kNever, kEvery, kExit };
  When when;
  uint32_t every;        // iterations
  bool at_exit = false;  // whatever happened before
};

class HeapGraphs {
 public:
  void start(const GraphPlan& plan) { plan_ = plan; }

  // Iterations (or ticks) `before` + 1 ... `completed` have ended: is a graph to be taken now?
  bool is_due(uint32_t before, uint32_t completed, bool ticks, const SnapshotWriter& counters,
              uint32_t site_count);
  // At the end of the process.
  bool is_due_at_exit() const;

  // The next graph's memory, to be filled with the threads; null (and a record says so) when it cannot be
  // taken. After it scan() and after_pause() must come, by the same thread.
  ScanResult* prepare(Recorder& recorder, recording::GraphHeader header);
  // There is to be none, and a record says why, once.
  bool refuse(Recorder& recorder, recording::GraphHeader header, const char* why);
  // Starts the scan that was prepared. `header.pause_ns`: when the threads began to stand still. `input`:
  // blocks, clock, threads.
  void scan(const recording::GraphHeader& header, ScanInput input);
  // What of it need not be done while threads stand still; first of all who of them has run since it was
  // looked at.
  void after_pause(Recorder& recorder, const ScanInput& input);

  // Appends those that are ready. False when the file cannot grow.
  bool collect(Recorder& recorder);
  static constexpr uint64_t kLongestScan_ns = 30'000'000'000;
  // The same, and waits for those that are not; not for one that has taken longer.
  bool collect_all(Recorder& recorder, uint64_t longest_ns = kLongestScan_ns);
  bool any_pending() const { return !pending_[0].process.is_idle() || !pending_[1].process.is_idle(); }

  // As if there had never been one; children that scan are ended.
  void clear();

 private:
  static constexpr uint64_t kMostRises = 255;
  struct Growth {
    uint64_t bytes : 56;
    uint64_t rises : 8;  // one after the other, and never more than kMostRises
  };
  struct Pending {
    ScannerProcess process;
    recording::GraphHeader header;
    uint64_t started_ns;
  };

  bool look_for_growth(const SnapshotWriter& counters, uint32_t site_count, uint32_t rises);
  bool make_room(uint32_t site_count);
  Pending* oldest();
  bool write(Recorder& recorder, Pending& pending);
  bool write_obstacle(Recorder& recorder, recording::GraphHeader header, const char* why);

  GraphPlan plan_{};
  Growth* sites_ = nullptr;
  uint32_t capacity_ = 0;
  uint32_t site_count_ = 0;    // that were looked at
  uint32_t rises_ = 0;         // that make a site a growing one
  uint32_t next_of_pair_ = 0;  // iterations completed at the second graph; 0: none is waited for
  uint32_t before_ = 0;        // iterations completed at the graph before
  bool looked_ = false;
  bool grows_ = false;
  bool silent_ = false;  // it was said already why there is none
  uint64_t number_ = 0;
  Pending pending_[2] = {};
  Pending* prepared_ = nullptr;
};

}  // namespace leakhunt::tracker
