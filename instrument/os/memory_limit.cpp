#include "instrument/os/memory_limit.h"

#include <sys/resource.h>

#include "instrument/os/atomics.h"
#include "instrument/os/pages.h"
#include "instrument/os/proc_self.h"
#include "instrument/os/small_file.h"
#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

namespace {

uint64_t bound = 0;

// Under the lock; the figures are read without.
SpinLock group_lock;
ControlGroup group{};
uint64_t seen_limit = GroupRoom::kNone;
uint64_t seen_left = GroupRoom::kNone;
uint32_t seen_processes = 1;
uint64_t short_limit = 0;

// Fields of /proc/self/statm, in pages.
constexpr size_t kAll = 0;
constexpr size_t kResident = 1;
constexpr size_t kShared = 2;  // of the resident: of files, or of shared memory
constexpr size_t kData = 5;    // and stack
constexpr size_t kFields = 7;
struct Statm {
  uint64_t bytes[kFields];
};

uint64_t limit_of(int resource) {
  rlimit limit{};
  const bool known = !is_error(system_call(SYS_prlimit64, 0, resource, nullptr, &limit));
  return known && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur : UINT64_MAX;
}

bool read_statm(Statm* statm) {
  char text[128];
  const size_t bytes = read_small_file("/proc/self/statm", text, sizeof text);
  size_t count = 0;
  for (size_t i = 0; i < bytes && count < kFields; ++i) {
    if (text[i] < '0' || text[i] > '9') {
      ++count;
    } else {
      statm->bytes[count] = statm->bytes[count] * 10 + static_cast<uint64_t>(text[i] - '0');
    }
  }
  for (uint64_t& field : statm->bytes) field *= kPage;
  return bytes != 0;
}

struct AddressSpace {
  uint64_t used;   // by the tracker, too
  uint64_t limit;  // UINT64_MAX: none
};

// The limit that leaves least. When the kernel's figures cannot be read (no descriptor is left), seven
// eighths of the limit count as used: the tables stay as they are.
AddressSpace scarcest() {
  const uint64_t limits[] = {limit_of(RLIMIT_AS), limit_of(RLIMIT_DATA)};
  if (limits[0] == UINT64_MAX && limits[1] == UINT64_MAX) return {0, UINT64_MAX};
  Statm statm{};
  const bool known = read_statm(&statm);
  AddressSpace least{0, UINT64_MAX};
  uint64_t least_room = UINT64_MAX;
  const size_t used_fields[] = {kAll, kData};
  for (size_t i = 0; i < 2; ++i) {
    if (limits[i] == UINT64_MAX) continue;
    const uint64_t used = known ? statm.bytes[used_fields[i]] : limits[i] / 8 * 7;
    const uint64_t room = limits[i] > used ? limits[i] - used : 0;
    if (room >= least_room) continue;
    least_room = room;
    least = {used, limits[i]};
  }
  return least;
}

// Of what is left in the group each of its processes may take a part: half of them are trackers' at most, the
// others being shells and whoever waits for them.
bool may_touch(size_t bytes) {
  const GroupRoom room = room_in_group();
  if (!room.is_limited()) return true;
  const uint64_t ours = resident_bytes_of_mapped();
  const uint64_t share = (room.left + ours) / kShareOfRoom / (room.processes > 3 ? room.processes / 2 : 1);
  if (ours + bytes <= share) return true;
  note_short_limit(room.limit);
  return false;
}

uint64_t less(uint64_t from, uint64_t bytes) {
  return from > bytes ? from - bytes : 0;
}

}  // namespace

bool may_map(size_t bytes) {
  const uint64_t ours = mapped_bytes() + bytes;
  if (bound != 0 && ours > bound) return false;
  if (!may_touch(bytes)) return false;
  const AddressSpace space = scarcest();
  if (space.limit == UINT64_MAX) return true;
  const uint64_t target = space.used > mapped_bytes() ? space.used - mapped_bytes() : 0;
  return target < space.limit && ours <= (space.limit - target) / kShareOfRoom;
}

// malloc asks for more than it was asked for: to the top of its heap 128 KiB are added.
bool is_in_the_way_of(size_t bytes) {
  constexpr uint64_t kMargin = 256 << 10;
  const AddressSpace space = scarcest();
  if (space.limit == UINT64_MAX) return false;
  const uint64_t target = space.used > mapped_bytes() ? space.used - mapped_bytes() : 0;
  const uint64_t room = target < space.limit ? space.limit - target : 0;
  return room > kMargin && bytes <= room - kMargin && space.used + bytes + kMargin > space.limit;
}

void bound_tables(uint64_t bytes) {
  bound = bytes;
}

GroupRoom room_in_group() {
  if (group_lock.try_lock()) {
    const GroupRoom room = group.look("");
    store_relaxed(seen_limit, room.limit);
    store_relaxed(seen_left, room.left);
    store_relaxed(seen_processes, room.processes);
    group_lock.unlock();
    return room;
  }
  return {load_relaxed(seen_limit), load_relaxed(seen_left), load_relaxed(seen_processes)};
}

bool is_in_limited_group() {
  return load_relaxed(seen_limit) != GroupRoom::kNone;
}

uint64_t limit_that_was_short() {
  return load_relaxed(short_limit);
}

void note_short_limit(uint64_t bytes) {
  store_relaxed(short_limit, bytes);
}

uint64_t untouched_bytes() {
  Statm statm{};
  if (!read_statm(&statm)) return 0;
  const uint64_t ours = less(mapped_bytes(), resident_bytes_of_mapped());
  const uint64_t touched = less(statm.bytes[kResident], statm.bytes[kShared]);
  return less(less(statm.bytes[kData], ours), touched);
}

void forget_group_of_parent() {
  group_lock = {};
  group = {};
  seen_limit = seen_left = GroupRoom::kNone;
  seen_processes = 1;
  short_limit = 0;
}

}  // namespace leakhunt::tracker
