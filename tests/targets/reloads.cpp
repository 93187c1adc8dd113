// reloads: loads first_plugin.so, second_plugin.so and first_plugin.so again, each into the place of the one
// before; through the same call they keep 3 blocks of 1000 bytes, 5 of 2000, and 4 of 1000 bytes.
// Claim: 7 blocks belong to first_library_keeps, 5 to second_library_keeps. Prints whether all lay in one
// place.
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <string>

namespace {

void* volatile kept;

// Where the plugin's function lay.
void* load_and_keep(const std::string& library, int blocks, size_t bytes) {
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return nullptr;
  void* found = dlsym(handle, "keep");
  void* (*keep)(size_t) = nullptr;
  memcpy(&keep, &found, sizeof keep);
  for (int i = 0; i < blocks; ++i) kept = keep(bytes);
  dlclose(handle);
  return found;
}

}  // namespace

int main(int, char** arguments) {
  const std::string folder = std::string(arguments[0]).substr(0, std::string(arguments[0]).rfind('/') + 1);
  const struct {
    const char* name;
    int blocks;
    size_t bytes;
  } loads[] = {{"first_plugin.so", 3, 1000}, {"second_plugin.so", 5, 2000}, {"first_plugin.so", 4, 1000}};
  void* place = nullptr;
  bool one_place = true;
  for (const auto& load : loads) {
    void* found = load_and_keep(folder + load.name, load.blocks, load.bytes);
    if (found == nullptr) return 1;
    one_place = one_place && (place == nullptr || place == found);
    place = found;
  }
  puts(one_place ? "one place" : "several places");
  return 0;
}
