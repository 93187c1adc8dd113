// What the hooks need of the runtime: the start, and the environment for a program that replaces this one.
#pragma once

#include <stddef.h>

#include "instrument/tracker/tracker.h"

namespace leakhunt::runtime {

// Starts recording, once, if the environment asks for it. The first hook that runs calls it: other libraries'
// constructors allocate before ours has run. Without effect while libc has no environment yet.
void start();

// Variables that were taken out of the target's environment at start, "NAME=value" each; null when nothing is
// recorded. The program that exec puts in this process's place needs them to be recorded as well.
const char* const* hidden_variables(size_t* count);

// Chooses how stacks are found: "cfi", "fp" or "none". The first for any other name, and for none.
void set_unwinder(const char* name, tracker::Settings* settings);

}  // namespace leakhunt::runtime
