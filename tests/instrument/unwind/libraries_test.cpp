// Libraries that come and go. PLUGIN_A and PLUGIN_B have the same code in the same place, but for the size of
// a frame.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include "tests/instrument/unwind/stacks.h"

namespace leakhunt::tracker {
namespace {

// Where the plugin's function was.
void* call_in_plugin(const char* path, Stacks* stacks) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    ADD_FAILURE() << dlerror();
    return nullptr;
  }
  void* function = dlsym(library, "plugin_call");
  reinterpret_cast<void (*)(void (*)(void*), void*)>(function)(take_stacks, stacks);
  dlclose(library);
  return function;
}

TEST(UnwindLibraries, AreWalkedThroughRightAfterDlopen) {
  Stacks stacks;
  call_in_plugin(PLUGIN_A, &stacks);
  EXPECT_EQ(difference(stacks), "");
}

TEST(UnwindLibraries, InThePlaceOfAnUnloadedOneAreWalkedByTheirOwnRules) {
  void* last = nullptr;
  unsigned in_the_same_place = 0;
  for (int round = 0; round < 200; ++round) {
    Stacks stacks;
    void* at = call_in_plugin(round % 2 == 0 ? PLUGIN_A : PLUGIN_B, &stacks);
    forget_unwind_rules();  // as the hook of dlclose does
    in_the_same_place += at == last;
    last = at;
    ASSERT_EQ(difference(stacks), "") << round;
  }
  EXPECT_GT(in_the_same_place, 100u);
}

}  // namespace
}  // namespace leakhunt::tracker
