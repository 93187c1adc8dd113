// loaded_module: the modules of the process as its loader lists them, and which of them a file is.
#pragma once

#include <link.h>

#include "instrument/os/entry_patch.h"

namespace leakhunt::hooks {

// The loader's list (link.h); null when it has none.
const r_debug* modules();

// The module whose file the patch is for; null when it is not in memory. The caller knows that the list does
// not change meanwhile.
const link_map* find_module(const tracker::EntryPatch& patch);

}  // namespace leakhunt::hooks
