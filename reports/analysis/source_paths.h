// source_paths: a report is read by others than those who built the program. Paths in it are relative to the
// root of the sources; nothing else of the machine that built is told.
#pragma once

#include <optional>
#include <string>

#include "lib/recording/run.h"

namespace leakhunt::reports {

// What the sources have in common: the deepest folder that holds every source file outside of the system's,
// and the program itself if it was built below that project. Empty when the recording does not tell.
std::string source_root(const recording::Run& run);

// Rewrites the paths of symbols, modules, the program and the scenario's file:
//   below the root        relative to it
//   /usr, /lib, /opt ...  as they are: the same on every machine
//   any other             the file's name alone; of a source file the folder it is in, too
// `root` is taken instead of source_root() when it is given.
void make_paths_relative(recording::Run& run, const std::optional<std::string>& root = {});

}  // namespace leakhunt::reports
