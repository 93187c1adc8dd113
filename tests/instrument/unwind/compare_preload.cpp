// Preloaded into any program: at each allocation takes the stack by unwind rules and by libgcc's unwinder,
// compares them frame by frame, and appends one line to the file UNWIND_COMPARE_OUT when the process ends:
//
//   <program> events <n> identical <n> shorter <n> different <n> frames <n> complete <n>
//
// shorter: ours stopped early, said so, and is right as far as it goes. different: everything else. Up to
// UNWIND_COMPARE_SHOW stacks that are not identical follow, both sides.
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

#include "instrument/unwind/stack_key.h"
#include "instrument/unwind/unwind.h"

using leakhunt::tracker::capture_by_cfi_rules;
using leakhunt::tracker::CapturedStack;
using leakhunt::tracker::stack_key;
using leakhunt::tracker::StackBounds;

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
}

namespace {

constexpr size_t kMaxFrames = 128;
constexpr size_t kMaxKept = 64;

struct Stack {
  uint64_t frames[kMaxFrames + 32];
  size_t count;
  bool truncated;
};

struct Counts {
  uint64_t events, identical, shorter, different, frames, complete;
};
Counts counts;

struct Kept {
  Stack ours;
  Stack theirs;
};
Kept kept[kMaxKept];
unsigned kept_count;
unsigned show;
thread_local bool inside;
thread_local StackBounds bounds;

void find_bounds() {
  pthread_attr_t attributes;
  void* low = nullptr;
  size_t size = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_destroy(&attributes);
  }
  bounds = {reinterpret_cast<uintptr_t>(low), reinterpret_cast<uintptr_t>(low) + size};
}

_Unwind_Reason_Code add_frame(_Unwind_Context* context, void* argument) {
  Stack* stack = static_cast<Stack*>(argument);
  const uint64_t pc = _Unwind_GetIP(context);
  if (stack->count == sizeof stack->frames / sizeof stack->frames[0]) return _URC_END_OF_STACK;
  if (pc != 0) stack->frames[stack->count++] = pc;
  return _URC_NO_REASON;
}

// libgcc's begins inside of the hook: leave out what lies before our first frame, and what lies behind the
// limit.
bool align(const Stack& ours, Stack* theirs) {
  size_t own = 0;
  while (own < theirs->count && theirs->frames[own] != ours.frames[0]) ++own;
  if (own == theirs->count) return false;
  theirs->count -= own;
  memmove(theirs->frames, theirs->frames + own, theirs->count * sizeof(uint64_t));
  if (theirs->count > kMaxFrames) theirs->count = kMaxFrames;
  return true;
}

void add(uint64_t& counter, uint64_t amount) {
  __atomic_fetch_add(&counter, amount, __ATOMIC_RELAXED);
}

void compare(const void* frame) {
  if (inside) return;
  inside = true;
  const int saved_errno = errno;
  if (bounds.high == 0) find_bounds();
  Stack ours{};
  Stack theirs{};
  const CapturedStack captured = capture_by_cfi_rules(frame, bounds, ours.frames, kMaxFrames);
  ours.count = captured.count;
  ours.truncated = captured.truncated;
  _Unwind_Backtrace(add_frame, &theirs);
  align(ours, &theirs);
  const size_t common = ours.count < theirs.count ? ours.count : theirs.count;
  const bool right_key = captured.key == stack_key(ours.frames, captured.count, captured.truncated);
  const bool prefix = right_key && memcmp(ours.frames, theirs.frames, common * sizeof(uint64_t)) == 0;
  const bool identical = prefix && ours.count == theirs.count;
  const bool shorter = prefix && ours.count < theirs.count && ours.truncated;
  add(counts.events, 1);
  add(counts.frames, ours.count);
  add(counts.complete, captured.truncated ? 0 : 1);
  add(identical ? counts.identical : shorter ? counts.shorter : counts.different, 1);
  if (!identical && kept_count < show && kept_count < kMaxKept) {
    const unsigned at = __atomic_fetch_add(&kept_count, 1u, __ATOMIC_RELAXED);
    if (at < kMaxKept) kept[at] = {ours, theirs};
  }
  errno = saved_errno;
  inside = false;
}

// --- the report

int out = -1;

__attribute__((format(printf, 1, 2))) void print(const char* format, ...) {
  char line[512];
  va_list rest;
  va_start(rest, format);
  const int length = vsnprintf(line, sizeof line, format, rest);
  va_end(rest);
  if (length > 0 && write(out, line, static_cast<size_t>(length)) < 0) return;
}

struct Place {
  uint64_t pc;
  const char* module;
  uint64_t offset;
};

int find_place(dl_phdr_info* info, size_t, void* argument) {
  Place* place = static_cast<Place*>(argument);
  for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = info->dlpi_phdr[i];
    const uint64_t begin = info->dlpi_addr + segment.p_vaddr;
    if (segment.p_type != PT_LOAD || place->pc < begin || place->pc >= begin + segment.p_memsz) continue;
    place->module = info->dlpi_name[0] != '\0' ? info->dlpi_name : "(program)";
    place->offset = place->pc - info->dlpi_addr;
    return 1;
  }
  return 0;
}

void print_stack(const char* whose, const Stack& stack) {
  print("  %s: %zu frames%s\n", whose, stack.count, stack.truncated ? ", truncated" : "");
  for (size_t i = 0; i < stack.count; ++i) {
    Place place{stack.frames[i], "?", stack.frames[i]};
    dl_iterate_phdr(find_place, &place);
    print("    %s+0x%lx\n", place.module, place.offset);
  }
}

__attribute__((constructor)) void begin() {
  const char* wanted = getenv("UNWIND_COMPARE_SHOW");
  show = wanted != nullptr ? static_cast<unsigned>(atoi(wanted)) : 0;
}

__attribute__((destructor)) void report() {
  inside = true;
  const char* path = getenv("UNWIND_COMPARE_OUT");
  out = path != nullptr ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
  if (out < 0) return;
  print("%s events %lu identical %lu shorter %lu different %lu frames %lu complete %lu\n",
        program_invocation_short_name, counts.events, counts.identical, counts.shorter, counts.different,
        counts.frames, counts.complete);
  for (unsigned i = 0; i < kept_count && i < kMaxKept; ++i) {
    print_stack("ours", kept[i].ours);
    print_stack("libgcc", kept[i].theirs);
  }
  close(out);
}

}  // namespace

#define HOOK extern "C" __attribute__((visibility("default"), noinline))

HOOK void* malloc(size_t size) {
  void* block = __libc_malloc(size);
  compare(__builtin_frame_address(0));
  return block;
}

HOOK void* calloc(size_t count, size_t size) {
  void* block = __libc_calloc(count, size);
  compare(__builtin_frame_address(0));
  return block;
}

HOOK void* realloc(void* old, size_t size) {
  void* block = __libc_realloc(old, size);
  compare(__builtin_frame_address(0));
  return block;
}
