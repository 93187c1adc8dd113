// dlsym: who asks libc itself for one of the hooked functions (Python's ctypes.CDLL("libc.so.6").malloc) gets
// the hook, as who calls it by its name.
//
// RTLD_DEFAULT and RTLD_NEXT mean the place of the caller in the loader's order: they are passed on by a
// jump, without a frame of ours, and need no answer of ours. This file is compiled without link-time
// optimisation, which does not see the names that the assembler refers to.
#include <dlfcn.h>

#include "instrument/hooks/real_functions.h"
#include "instrument/os/atomics.h"
#include "instrument/os/loader_symbol.h"
#include "instrument/os/proc_self.h"

using leakhunt::hooks::heap_is_hooked;
using leakhunt::hooks::ready;
using leakhunt::hooks::real;
using leakhunt::tracker::find_loaded_object;
using leakhunt::tracker::find_loader_lookup;
using leakhunt::tracker::load_relaxed;
using leakhunt::tracker::LoadedObject;
using leakhunt::tracker::loader_symbol;
using leakhunt::tracker::own_function;
using leakhunt::tracker::store_relaxed;

namespace {

const char* hooked_name(const void* function) {
#define LEAKHUNT_COMPARE(name, result, parameters) \
  if (function == reinterpret_cast<const void*>(real.name)) return #name;
  LEAKHUNT_HOOKED_LIBC(LEAKHUNT_COMPARE)
#undef LEAKHUNT_COMPARE
  return nullptr;
}

// The hook itself, and not what the program calls by the name: that may be in front of us.
void* hook_of(const char* name) {
  const uintptr_t inside = reinterpret_cast<uintptr_t>(&hooked_name);
  LoadedObject ours{};
  if (!find_loaded_object(inside, &ours)) return nullptr;
  // The loader makes a library's own scope when it is opened by itself. Once is enough.
  static bool opened = false;
  if (!load_relaxed(opened) && dlopen(ours.name, RTLD_LAZY | RTLD_NOLOAD) == nullptr) {
    dlerror();  // no error of the program's
    return nullptr;
  }
  store_relaxed(opened, true);
  return reinterpret_cast<void*>(own_function(inside, name));
}

}  // namespace

extern "C" {

__attribute__((visibility("hidden"), used)) void* leakhunt_symbol_of_handle(void* handle, const char* name) {
  void* found = loader_symbol(handle, name);
  if (found == nullptr || !ready()) return found;
  const char* hooked = hooked_name(found);
  if (hooked == nullptr || !heap_is_hooked()) return found;
  void* hook = hook_of(hooked);
  return hook != nullptr ? hook : found;
}

__attribute__((visibility("hidden"), used)) void* leakhunt_loader_lookup() {
  return reinterpret_cast<void*>(find_loader_lookup());
}

}  // extern "C"

// 0 is RTLD_DEFAULT, -1 is RTLD_NEXT.
LEAKHUNT_HOOK __attribute__((naked)) void* dlsym(void*, const char*) noexcept {
  __asm__(
      "leaq 1(%rdi), %rax\n\t"
      "cmpq $1, %rax\n\t"
      "ja leakhunt_symbol_of_handle\n\t"
      "pushq %rdi\n\t"
      ".cfi_adjust_cfa_offset 8\n\t"
      "pushq %rsi\n\t"
      ".cfi_adjust_cfa_offset 8\n\t"
      "subq $8, %rsp\n\t"
      ".cfi_adjust_cfa_offset 8\n\t"
      "call leakhunt_loader_lookup\n\t"
      "addq $8, %rsp\n\t"
      ".cfi_adjust_cfa_offset -8\n\t"
      "popq %rsi\n\t"
      ".cfi_adjust_cfa_offset -8\n\t"
      "popq %rdi\n\t"
      ".cfi_adjust_cfa_offset -8\n\t"
      "jmp *%rax");
}
