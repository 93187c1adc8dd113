#include "instrument/tracker/heap_graphs.h"

#include <errno.h>
#include <time.h>

#include "instrument/os/pages.h"
#include "instrument/os/proc_self.h"
#include "instrument/os/system_call.h"
#include "instrument/tracker/standing_threads.h"

namespace leakhunt::tracker {

namespace {

constexpr uint32_t kFirstLook = 4;                 // iterations
constexpr uint32_t kFewestTicks = 32;              // a little over 3 seconds
constexpr uint64_t kLookAfter_ns = 2'000'000'000;  // whether the child is still there
constexpr uint32_t kYoung = 4;                     // iterations

const char kEnded[] = "the process that scanned the heap was ended";

bool passes_power_of_two(uint32_t before, uint32_t after) {
  return after >= kFirstLook && (before == 0 || __builtin_clz(before) != __builtin_clz(after));
}

recording::Bytes bytes_of(const char* text) {
  size_t size = 0;
  while (text[size] != '\0') ++size;
  return {reinterpret_cast<const uint8_t*>(text), size};
}

// Not by nanosleep: the thread may be borrowed from a sleep of its own (attachment.cpp), of whose rest the
// kernel would lose track.
void wait_a_moment() {
  const uint64_t no_signal = 0;
  const timespec moment{0, 200'000};
  system_call(SYS_rt_sigtimedwait, &no_signal, nullptr, &moment, sizeof no_signal);
}

const char* why_no_child(int error) {
  switch (error) {
    case EAGAIN:
      return "no process could be made for the scan: the limit on processes is reached";
    case ENOMEM:
      return "no process could be made for the scan: memory is short";
    default:
      return "no process could be made for the scan";
  }
}

}  // namespace

bool HeapGraphs::make_room(uint32_t site_count) {
  if (site_count <= capacity_) return true;
  uint32_t capacity = capacity_ == 0 ? 1024 : capacity_;
  while (capacity < site_count) capacity *= 2;
  Growth* larger = static_cast<Growth*>(map_pages(capacity * sizeof(Growth)));
  if (larger == nullptr) return false;
  for (uint32_t i = 0; i < site_count_; ++i) larger[i] = sites_[i];
  if (sites_ != nullptr) unmap_pages(sites_, capacity_ * sizeof(Growth));
  sites_ = larger;
  capacity_ = capacity;
  return true;
}

// A site that is new has no past to have risen from.
bool HeapGraphs::look_for_growth(const SnapshotWriter& counters, uint32_t site_count, uint32_t rises) {
  if (!make_room(site_count)) return false;
  rises_ = rises;
  grows_ = false;
  for (uint32_t i = 0; i < site_count; ++i) {
    const uint64_t live = counters.live_bytes(SiteId{i});
    Growth& site = sites_[i];
    const uint64_t rises_now = site.rises < kMostRises ? site.rises + 1u : kMostRises;
    site.rises = (looked_ && live > site.bytes ? rises_now : 0) & kMostRises;
    site.bytes = live & ((uint64_t{1} << 56) - 1);
    grows_ = grows_ || site.rises >= rises;
  }
  site_count_ = site_count;
  looked_ = true;
  return grows_;
}

bool HeapGraphs::is_due(uint32_t before, uint32_t completed, bool ticks, const SnapshotWriter& counters,
                        uint32_t site_count) {
  if (plan_.when == GraphPlan::When::kEvery) {
    if (before / plan_.every == completed / plan_.every) return false;
    look_for_growth(counters, site_count, 1);
    return true;
  }
  if (plan_.when == GraphPlan::When::kNever) return false;
  if (next_of_pair_ != 0 && completed >= next_of_pair_) {
    next_of_pair_ = 0;
    return true;
  }
  if (!passes_power_of_two(before, completed)) return false;
  if (!look_for_growth(counters, site_count, 2) || plan_.when == GraphPlan::When::kExit) return false;
  if (ticks && completed < kFewestTicks) return false;
  next_of_pair_ = completed + 1;
  return true;
}

bool HeapGraphs::is_due_at_exit() const {
  if (plan_.when == GraphPlan::When::kNever) return false;
  return plan_.at_exit || plan_.when != GraphPlan::When::kGrowth || number_ > 0;
}

// --- taking one

bool HeapGraphs::write_obstacle(Recorder& recorder, recording::GraphHeader header, const char* why) {
  header.obstacle = bytes_of(why);
  const bool written = silent_ || recorder.write_graph(header);
  silent_ = true;
  return written;
}

// In their order: where some are still being made, the next one will say it.
bool HeapGraphs::refuse(Recorder& recorder, recording::GraphHeader header, const char* why) {
  header.number = number_++;
  return any_pending() || write_obstacle(recorder, header, why);
}

ScanResult* HeapGraphs::prepare(Recorder& recorder, recording::GraphHeader header) {
  header.number = number_++;
  Pending* place = nullptr;
  for (Pending& pending : pending_) {
    if (pending.process.is_idle()) place = &pending;
  }
  if (place == nullptr) return nullptr;  // the scans of those before are not done: then there is none
  if (const char* why = obstacle_to_scanning(); why != nullptr) {
    if (!any_pending()) write_obstacle(recorder, header, why);  // in their order: the next one will say it
    return nullptr;
  }
  ScanResult* result = place->process.prepare();
  if (result == nullptr) {
    if (!any_pending()) write_obstacle(recorder, header, "no memory for the graph");
    return nullptr;
  }
  prepared_ = place;
  place->header = header;
  for (uint32_t i = 0; i < site_count_; ++i) {
    if (sites_[i].rises >= rises_) result->growing[i / 64] |= uint64_t{1} << (i % 64);
  }
  return result;
}

void HeapGraphs::scan(const recording::GraphHeader& header, ScanInput input) {
  Pending* const place = prepared_;
  const uint64_t number = place->header.number;
  place->header = header;
  place->header.number = number;
  place->started_ns = monotonic_ns();
  input.number = number;
  input.growing = place->process.result()->growing;
  input.growing_known = grows_;
  const bool at_exit = header.reason == recording::GraphReason::kExit;
  const uint32_t since = before_ != 0 && before_ + kYoung < input.clock ? before_ : input.clock;
  input.sampled_from = at_exit || since < kYoung ? 0 : since - kYoung;
  if (plan_.when == GraphPlan::When::kGrowth && !at_exit)
    input.sampled_from = input.clock > kYoung ? input.clock - kYoung : 0;
  before_ = input.clock;
  place->process.start(input);
  place->header.pause_ns = monotonic_ns() - header.pause_ns;
}

void HeapGraphs::after_pause(Recorder& recorder, const ScanInput& input) {
  Pending* const place = prepared_;
  prepared_ = nullptr;
  for (size_t i = 0; i < input.thread_count; ++i) {
    const bool has_run = input.threads[i].waits && has_run_since(input.threads[i]);
    place->process.result()->has_run[i / 64] |= uint64_t{has_run} << (i % 64);
  }
  place->process.threads_are_checked();
  const int error = place->process.finish_start();
  place->process.keep_from_children();
  if (error == 0) return;
  place->process.release();
  if (!any_pending()) write_obstacle(recorder, place->header, why_no_child(error));
}

// --- what came of it

HeapGraphs::Pending* HeapGraphs::oldest() {
  Pending* oldest = nullptr;
  for (Pending& pending : pending_) {
    if (pending.process.is_idle()) continue;
    if (oldest == nullptr || pending.header.number < oldest->header.number) oldest = &pending;
  }
  return oldest;
}

bool HeapGraphs::write(Recorder& recorder, Pending& pending) {
  const ScanResult& result = *pending.process.result();
  pending.header.threads_parked = result.threads_parked;
  pending.header.threads_waiting = result.threads_waiting;
  return recorder.write_modules_at(result.modules, result.module_count) &&
         recorder.write_graph(pending.header) &&
         recorder.write_graph_output(pending.process.result()->output(), result.bytes);
}

bool HeapGraphs::collect(Recorder& recorder) {
  for (Pending* pending = oldest(); pending != nullptr; pending = oldest()) {
    const uint64_t age = monotonic_ns() - pending->started_ns;
    const recording::GraphHeader header = pending->header;
    bool written = true;
    if (pending->process.is_done()) {
      written = write(recorder, *pending);
      pending->process.release();
    } else if (age > kLongestScan_ns || (age > kLookAfter_ns && pending->process.is_lost())) {
      pending->process.release();
      written = write_obstacle(recorder, header, kEnded);
    } else {
      return true;
    }
    if (!written) return false;
  }
  return true;
}

bool HeapGraphs::collect_all(Recorder& recorder, uint64_t longest_ns) {
  while (any_pending()) {
    Pending* pending = oldest();
    while (!pending->process.is_done() && !pending->process.is_lost() &&
           monotonic_ns() - pending->started_ns < longest_ns) {
      wait_a_moment();
    }
    const bool done = pending->process.is_done();
    const recording::GraphHeader header = pending->header;
    bool written = !done || write(recorder, *pending);
    pending->process.release();
    if (!done) written = write_obstacle(recorder, header, kEnded);
    if (!written) return false;
  }
  return true;
}

void HeapGraphs::clear() {
  for (Pending& pending : pending_) pending.process.release();
  looked_ = false;
  grows_ = false;
  silent_ = false;
  site_count_ = 0;
  next_of_pair_ = 0;
  before_ = 0;
  number_ = 0;
  prepared_ = nullptr;
}

}  // namespace leakhunt::tracker
