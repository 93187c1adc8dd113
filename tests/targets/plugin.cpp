// Built twice, with functions of different names and the same code: see reloads.cpp.
#include <stdlib.h>

extern "C" void* PLUGIN_KEEPS(size_t bytes) {
  void* volatile block = malloc(bytes);
  return block;
}

extern "C" void* keep(size_t bytes) {
  void* volatile block = PLUGIN_KEEPS(bytes);
  return block;
}
