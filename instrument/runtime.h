// What the hooks need of the runtime: the start, and the environment for a program that replaces this one.
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "instrument/tracker/tracker.h"

namespace leakhunt::runtime {

// Starts recording, once, if the environment asks for it. The first hook that runs calls it: other libraries'
// constructors allocate before ours has run. Without effect while libc has no environment yet.
void start();

// Variables that were taken out of the target's environment at start, "NAME=value" each, but for LD_PRELOAD.
// A program that is to be recorded needs them: the one that exec puts in this process's place, and if
// children are followed every other.
const char* const* hidden_variables(size_t* count);

// Our file, to be preloaded into such a program. Null when it is not known.
const char* library();

// Children are recorded, each into a file of its own.
bool follows_children();

// _Fork, for which no handlers run: `really`, and then what the handlers would have done.
pid_t fork_without_handlers(pid_t (*really)());
// The same around a call of any other kind; without effect where children are not followed.
void before_fork_without_handlers();
void in_child_without_handlers();
// Chooses how stacks are found: "cfi", "fp" or "none". The first for any other name, and for none.
void set_unwinder(const char* name, tracker::Settings* settings);
// "auto", "off", "exit", "every=100"; the first for anything else, and for none.
tracker::GraphPlan graph_plan(const char* text);

}  // namespace leakhunt::runtime
