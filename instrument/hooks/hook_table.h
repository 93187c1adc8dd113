// The hooked functions as rows for os/import_slots.h: what to put in the place of what. For a program that
// was running before the library came.
#pragma once

#include <stddef.h>

#include "instrument/os/import_slots.h"

namespace leakhunt::hooks {

// A row for every function that this process has. Looks all of them up once: takes the loader's lock.
const tracker::Replacement* hook_table(size_t* count);

}  // namespace leakhunt::hooks
