// The target's standard error, for the one line that says that the tracker cannot go on.
#pragma once

#include <stddef.h>

namespace leakhunt::tracker {

// What descriptor 2 is now, before the program can close it and open something else in its place.
void remember_standard_error();

// Writes the parts, which end with a null pointer, as one line if descriptor 2 still is what it was. No
// signal reaches the target, be it a pipe without reader or a file that may not grow.
void write_to_standard_error(const char* const* parts);

}  // namespace leakhunt::tracker
