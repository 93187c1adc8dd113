#include "instrument/hooks/iteration_entry.h"

#include <link.h>

#include "instrument/hooks/loaded_module.h"
#include "instrument/os/entry_patch.h"
#include "instrument/tracker/tracker.h"

namespace leakhunt::hooks {

using tracker::EntryPatch;

namespace {

EntryPatch function;
EntryPatch loader;
// The loader's lock is held by whoever changes its list, so these are one thread's at a time.
bool is_watched = false;
bool is_refused = false;
ElfW(Addr) watched_at = 0;

void entered(uint64_t /*first*/, uint64_t /*second*/, uint64_t /*third*/) {
  tracker::tracker.mark_entry();
}

void look_for_function() {
  const link_map* module = find_module(function);
  if (module == nullptr) {
    is_watched = false;
    return;
  }
  if (is_refused || (is_watched && watched_at == module->l_addr && function.is_applied(module->l_addr)))
    return;
  const char* obstacle = function.apply(module->l_addr, entered);
  is_watched = obstacle == nullptr;
  is_refused = obstacle != nullptr;
  watched_at = module->l_addr;
  tracker::tracker.marks_are(is_watched, is_watched ? "" : obstacle);
}

void modules_changed(uint64_t /*first*/, uint64_t /*second*/, uint64_t /*third*/) {
  if (modules()->r_state == r_debug::RT_CONSISTENT && tracker::tracker.active()) look_for_function();
}

}  // namespace

void watch_entries(const char* function_text, const char* loader_text) {
  if (modules() == nullptr || !function.parse(function_text)) {
    return tracker::tracker.marks_are(false, "the tracker does not understand where it is");
  }
  look_for_function();
  if (is_watched || is_refused) return;
  const char* obstacle = "the loader of this program cannot be watched";
  if (loader_text != nullptr && loader.parse(loader_text)) {
    const link_map* module = find_module(loader);
    if (module != nullptr && loader.apply(module->l_addr, modules_changed) == nullptr) obstacle = "";
  }
  tracker::tracker.marks_are(false, obstacle);
}

}  // namespace leakhunt::hooks
