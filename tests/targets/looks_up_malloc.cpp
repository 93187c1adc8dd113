// Claim: malloc and free that are asked of libc by its own handle are counted as those called by name, and
// dlsym answers as it does without the tracker: of what is behind the caller, of what is not there.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef TAKES_ADDRESS  // at a fixed address: then the program has entries of these names, for everybody
void* (*volatile mine)(size_t) = malloc;
void (*volatile mine_too)(void*) = free;
#endif

int main() {
  void* libc = dlopen("libc.so.6", RTLD_NOW);
  const auto allocate = reinterpret_cast<void* (*)(size_t)>(dlsym(libc, "malloc"));
  const auto release = reinterpret_cast<void (*)(void*)>(dlsym(libc, "free"));
  if (allocate == nullptr || release == nullptr) return 1;
  if (allocate(12'345) == nullptr) return 2;             // stays
  for (int i = 0; i < 50; ++i) release(malloc(54'321));  // does not
  for (int i = 0; i < 50; ++i) free(allocate(65'432));   // nor does this
  if (dlsym(RTLD_DEFAULT, "puts") != dlsym(libc, "puts") || dlsym(RTLD_NEXT, "puts") != dlsym(libc, "puts"))
    return 3;
  if (dlsym(RTLD_NEXT, "main") != nullptr) return 4;  // behind the program nobody has one
  if (dlsym(libc, "no_such_function") != nullptr) return 5;
  const char* error = dlerror();
  if (error == nullptr || strstr(error, "no_such_function") == nullptr || dlerror() != nullptr) return 6;
  return 0;
}
