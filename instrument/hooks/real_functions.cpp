#include "instrument/hooks/real_functions.h"

#include <dlfcn.h>

#include "instrument/os/atomics.h"
#include "instrument/os/loader_symbol.h"
#include "instrument/os/proc_self.h"
#include "instrument/runtime.h"

namespace leakhunt::hooks {

RealFunctions real{};
bool resolved = false;
uintptr_t allocator_begin = 0;
uintptr_t allocator_end = 0;

namespace {

constexpr size_t kBootstrapBytes = 16 << 10;
alignas(16) uint8_t bootstrap[kBootstrapBytes];
size_t bootstrap_used = 0;

uintptr_t own_address() {
  return reinterpret_cast<uintptr_t>(&bootstrap);
}

// In a running program RTLD_NEXT has no meaning: what it would search is behind us. What is found in us is
// nobody else's.
void* next_definition(const char* name) {
  if (!attached()) return tracker::loader_symbol(RTLD_NEXT, name);
  return reinterpret_cast<void*>(tracker::bound_function(name, own_address()));
}

template <typename Function>
void look_up(Function& function, const char* name) {
  function = reinterpret_cast<Function>(next_definition(name));
}

bool contains(const char* text, const char* part) {
  for (; *text != '\0'; ++text) {
    size_t i = 0;
    while (part[i] != '\0' && text[i] == part[i]) ++i;
    if (part[i] == '\0') return true;
  }
  return false;
}

void classify_operators() {
  if (real._Znwm == nullptr) return;
  tracker::LoadedObject object{};
  if (!tracker::find_loaded_object(reinterpret_cast<uintptr_t>(real._Znwm), &object)) return;
  const bool standard = contains(object.name, "libstdc++.so") || contains(object.name, "libc++.so") ||
                        contains(object.name, "libc++abi.so");
  real.standard_operators = standard && heap_is_hooked();
  real.allocators_operators = object.begin == allocator_begin;
}

// Of another allocator than libc's.
void find_allocator() {
  tracker::LoadedObject allocator{};
  tracker::LoadedObject libc{};
  if (!tracker::find_loaded_object(reinterpret_cast<uintptr_t>(real.malloc), &allocator) ||
      !tracker::find_loaded_object(reinterpret_cast<uintptr_t>(real.execve), &libc) ||
      allocator.begin == libc.begin) {
    return;
  }
  allocator_begin = allocator.begin;
  allocator_end = allocator.end;
}

}  // namespace

#define LEAKHUNT_LOOK_UP(name, result, parameters) look_up(real.name, #name);

bool attached() {
  static const bool is_behind = tracker::is_loaded_behind_libc(own_address());
  return is_behind;
}

bool resolve() {
  static bool resolving = false;
  if (resolving) return false;
  resolving = true;
  LEAKHUNT_HOOKED_LIBC(LEAKHUNT_LOOK_UP)
  LEAKHUNT_HOOKED_THREADS(LEAKHUNT_LOOK_UP)
  find_allocator();
  if (real.syscall != nullptr) leakhunt_real_syscall = reinterpret_cast<void*>(real.syscall);
  resolved = true;
  runtime::start();
  return true;
}

void resolve_operators() {
  ready();
  LEAKHUNT_HOOKED_OPERATORS(LEAKHUNT_LOOK_UP)
  classify_operators();
  real.operators_resolved = true;
}

bool heap_is_hooked() {
  tracker::LoadedObject first{};
  tracker::LoadedObject ours{};
  const uintptr_t found = reinterpret_cast<uintptr_t>(tracker::loader_symbol(RTLD_DEFAULT, "malloc"));
  return !tracker::is_definition(found) || !tracker::find_loaded_object(found, &first) ||
         !tracker::find_loaded_object(reinterpret_cast<uintptr_t>(&real), &ours) || first.begin == ours.begin;
}

void* bootstrap_allocate(size_t bytes) {
  const size_t rounded = (bytes + 15) / 16 * 16;
  const size_t at = __atomic_fetch_add(&bootstrap_used, rounded, __ATOMIC_RELAXED);
  return at + rounded <= kBootstrapBytes ? bootstrap + at : nullptr;
}

bool is_bootstrap(const void* block) {
  return block >= bootstrap && block < bootstrap + kBootstrapBytes;
}

size_t bootstrap_bytes_behind(const void* block) {
  return static_cast<size_t>(bootstrap + kBootstrapBytes - static_cast<const uint8_t*>(block));
}

}  // namespace leakhunt::hooks
