// Tracker, continued: the ledger of resident memory - who is asked for it, and when it is taken is said in
// tracker_snapshot.cpp.
#include <errno.h>
#include <sys/mman.h>

#include "instrument/os/memory_map.h"
#include "instrument/os/pages.h"
#include "instrument/os/proc_self.h"
#include "instrument/tracker/tracker.h"

namespace leakhunt::tracker {

namespace {

const char kProc[] = "/proc/self";
constexpr uint64_t kLongestWalk_ns = 100'000'000;
constexpr size_t kLinesPayload = 8 << 10;

}  // namespace

// Anonymous memory that nobody can be asked about any more: the loader's; in a program that ran before,
// everything.
void Tracker::note_older_memory() {
  older_.release();
  MemoryMap map;
  if (map.open(kProc, MemoryMap::Detail::kMaps) != 0) return;
  MemoryArea area{};
  while (map.next(&area)) {
    if (area.has_inode || area.protection == 0 || area.name[0] != '\0') continue;
    LoadedObject object{};  // whose data ends in the mapping, perhaps
    const bool in_object = find_loaded_object(area.begin, &object);
    const uintptr_t begin = in_object ? (object.end + kPage - 1) / kPage * kPage : area.begin;
    if (begin < area.end) older_.add({begin, area.end});
  }
  map.close();
}

void Tracker::name_owners(LedgerMaker* maker) {
  for (const OldRange& range : older_) maker->add_owner({range.begin, range.end, OwnerKind::kOlder, 0});
  for (const ThreadState* thread = all_thread_states(); thread != nullptr; thread = thread->next) {
    if (thread->stack.high == 0 || load_relaxed(thread->identity.number) == 0) continue;
    const bool lives = load_relaxed(thread->owned) != 0;
    const StackBounds stack = reserved_stack(*thread);
    maker->add_owner({stack.low, stack.high, lives ? OwnerKind::kThreadStack : OwnerKind::kIdleStack,
                      thread->identity.number});
  }
  const uintptr_t window = reinterpret_cast<uintptr_t>(recorder_.file().window());
  maker->add_owner({window, window + recorder_.file().window_bytes(), OwnerKind::kTracker, 0});
  const uintptr_t lines = reinterpret_cast<uintptr_t>(settings_.lines);
  if (lines != 0) maker->add_owner({lines, lines + kPage, OwnerKind::kTracker, 0});
  const HeldGuard guard(mappings_.lock(), __builtin_frame_address(0));
  if (!guard.held()) return;
  mappings_.for_each(
      [](void* context, uintptr_t begin, const LiveBlock& range) {
        static_cast<LedgerMaker*>(context)->add_owner(
            {begin, begin + range.size, OwnerKind::kMapping, static_cast<uint32_t>(range.site)});
      },
      maker);
  allocator_mappings_.for_each(
      [](void* context, uintptr_t begin, const LiveBlock& range) {
        static_cast<LedgerMaker*>(context)->add_heap(begin, begin + range.size);
      },
      maker);
}

void Tracker::write_ledger(uint64_t now_ns) {
  const uint64_t begin_ns = thread_cpu_ns();  // not the clock: a busy machine is not our cost
  LedgerMaker* maker = LedgerMaker::make();
  if (maker == nullptr) return;  // the report does without
  name_owners(maker);
  const LedgerSources sources{&blocks_, site_infos_, sites_.count(), !foreign_heap_,
                              monotonic_ns() + kLongestWalk_ns + now_ns / 100};
  const int error = maker->book(sources, kProc);
  recording::LedgerRecord record{};
  if (error == 0) record = maker->record();
  record.error = static_cast<uint64_t>(error);
  record.iteration = clock_;
  record.time_ns = now_ns;
  record.counter_rss_bytes = rss_bytes_;
  record.older_heap = settings_.attached || process_ != 0;
  record.cost_ns = thread_cpu_ns() - begin_ns;
  const bool written = recorder_.write_ledger(record, *maker);
  maker->destroy();
  ledger_pace_.taken(now_ns, rss_bytes_, thread_cpu_ns() - begin_ns);
  if (!written) give_up("cannot extend the recording", recorder_.error());
}

// --- the records

bool Recorder::write_ledger(const recording::LedgerRecord& record, const LedgerMaker& maker) {
  uint8_t* payload = nullptr;
  recording::Encoder out{nullptr, nullptr};
  recording::RecordType type = recording::RecordType::kLedgerLines;
  const auto finish = [&] {
    if (payload != nullptr) file_.commit(type, static_cast<size_t>(out.cursor - payload));
    payload = nullptr;
  };
  const auto put = [&](const auto& row, size_t most) {
    if (payload != nullptr && static_cast<size_t>(out.end - out.cursor) < most) finish();
    if (payload == nullptr) {
      const size_t capacity = most < kLinesPayload ? kLinesPayload : most;
      payload = file_.reserve(capacity);
      if (payload == nullptr) return false;
      out = recording::Encoder{payload, payload + capacity};
    }
    encode(out, row);
    return true;
  };
  if (record.error == 0) {
    const bool lines = maker.for_each_line([&](const recording::LedgerLineRecord& line) {
      return put(line, recording::kMaxLedgerLine + line.name.size);
    });
    finish();
    type = recording::RecordType::kLedgerSites;
    const bool sites = lines && maker.for_each_site([&](const recording::LedgerSiteRecord& row) {
      return put(row, recording::kMaxLedgerSite);
    });
    finish();
    if (!sites) return false;
  }
  type = recording::RecordType::kLedger;
  if (!put(record, 14 * recording::kMaxVarint)) return false;
  finish();
  return true;
}

}  // namespace leakhunt::tracker
