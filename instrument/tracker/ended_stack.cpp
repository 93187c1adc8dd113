#include "instrument/tracker/ended_stack.h"

#include <stddef.h>
#include <sys/uio.h>

#include "instrument/os/pages.h"
#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

namespace {

// glibc's struct pthread, to which the thread pointer points: words 0 and 2 are its own address (tcbhead_t),
// and the thread's id is where libthread_db looks for it. The kernel clears that when the thread ends
// (CLONE_CHILD_CLEARTID).
constexpr size_t kAlignment = 64;
constexpr size_t kSelfWord = 2;
constexpr size_t kTid = 720;
constexpr uintptr_t kLooked = 2 * kPage;

// As the kernel copies it: an address that is gone is an error then, and no fault.
bool copy_memory(uintptr_t from, void* to, size_t bytes) {
  const iovec here{to, bytes};
  const iovec there{reinterpret_cast<void*>(from), bytes};
  const long self = system_call(SYS_getpid);
  return system_call(SYS_process_vm_readv, self, &here, 1, &there, 1, 0) == static_cast<long>(bytes);
}

}  // namespace

bool is_ended_stack(uintptr_t begin, uintptr_t end) {
  const uintptr_t lowest = end - begin > kLooked ? end - kLooked : begin;
  uintptr_t words[kSelfWord + 1];
  for (uintptr_t at = end - kAlignment; at > lowest; at -= kAlignment) {
    if (!copy_memory(at, words, sizeof words)) return false;
    if (words[0] != at || words[kSelfWord] != at) continue;
    int32_t tid = 0;
    return at + kTid + sizeof tid <= end && copy_memory(at + kTid, &tid, sizeof tid) && tid <= 0;
  }
  return false;
}

}  // namespace leakhunt::tracker
