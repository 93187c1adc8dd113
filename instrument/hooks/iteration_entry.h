// iteration_entry: --iteration-symbol inside the target. Puts a jump at the entry of the function that marks
// the iterations, as soon as its module is in memory.
//
// A module that is loaded later is seen the way a debugger sees it: the loader calls an empty function of its
// own, _dl_debug_state, whenever its list of modules has changed, before anything in a new one has run
// (link.h, struct r_debug). That function gets a jump of the same kind. dlopen itself cannot be hooked
// (module_hooks.cpp).
#pragma once

namespace leakhunt::hooks {

// Once, right after the tracker's start, before anything of the program runs. `function` and `loader` are
// texts for EntryPatch; `loader` may be null: then only what is in memory now is looked at.
void watch_entries(const char* function, const char* loader);

}  // namespace leakhunt::hooks
