#include "instrument/os/memory_limit.h"

#include <sys/resource.h>

#include "instrument/os/pages.h"
#include "instrument/os/proc_self.h"
#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

namespace {

uint64_t bound = 0;

// Fields of /proc/self/statm, in pages.
constexpr size_t kAll = 0;
constexpr size_t kData = 5;  // and stack
constexpr size_t kFields = 7;

uint64_t limit_of(int resource) {
  rlimit limit{};
  const bool known = !is_error(system_call(SYS_prlimit64, 0, resource, nullptr, &limit));
  return known && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur : UINT64_MAX;
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
  char text[128];
  const size_t bytes = read_small_file("/proc/self/statm", text, sizeof text);
  uint64_t fields[kFields] = {};
  size_t count = 0;
  for (size_t i = 0; i < bytes && count < kFields; ++i) {
    if (text[i] < '0' || text[i] > '9') {
      ++count;
    } else {
      fields[count] = fields[count] * 10 + static_cast<uint64_t>(text[i] - '0');
    }
  }
  AddressSpace least{0, UINT64_MAX};
  uint64_t least_room = UINT64_MAX;
  const size_t used_fields[] = {kAll, kData};
  for (size_t i = 0; i < 2; ++i) {
    if (limits[i] == UINT64_MAX) continue;
    const uint64_t used = bytes != 0 ? fields[used_fields[i]] * kPage : limits[i] / 8 * 7;
    const uint64_t room = limits[i] > used ? limits[i] - used : 0;
    if (room >= least_room) continue;
    least_room = room;
    least = {used, limits[i]};
  }
  return least;
}

}  // namespace

bool may_map(size_t bytes) {
  const uint64_t ours = mapped_bytes() + bytes;
  if (bound != 0 && ours > bound) return false;
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

}  // namespace leakhunt::tracker
