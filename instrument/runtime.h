// What the process hooks need of the runtime: the environment that a program replacing this one has to get.
#pragma once

#include <stddef.h>

namespace leakhunt::runtime {

// Variables that were taken out of the target's environment at start, "NAME=value" each; null when nothing is
// recorded. The program that exec puts in this process's place needs them to be recorded as well.
const char* const* hidden_variables(size_t* count);

}  // namespace leakhunt::runtime
