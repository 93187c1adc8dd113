// split_debug: finds the files with the debug information that was split off a module.
//
// Looks where gdb looks ("Debugging Information in Separate Files" of its manual), on this machine only:
// neither libdwfl nor debuginfod is involved, so nothing here ever waits for a network.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "lib/symbols/elf_file.h"

namespace leakhunt::symbols {

// Directories like /usr/lib/debug, in the order in which they are asked.
using DebugRoots = std::vector<std::filesystem::path>;

// Those of LEAKHUNT_DEBUG_DIR, separated by colons, and /usr/lib/debug.
DebugRoots debug_roots_of_environment();

// What was stripped: by build-id in a root's .build-id/xx/yyyy.debug, then by .gnu_debuglink beside the
// module, in its folder .debug, and in a root followed by the module's folder. A candidate counts only if its
// build-id, or without one its CRC-32, is the one that the module names.
std::optional<ElfFile> find_split_debug(const ElfFile& module, const DebugRoots& roots);

// What dwz moved into a file shared by several (.gnu_debugaltlink of `debug`): as the link says, beside
// `debug`, and by build-id in the roots. It must have the build-id that the link names.
std::optional<ElfFile> find_shared_debug(const ElfFile& debug, const DebugRoots& roots);

// The symbols that some distributions leave in a stripped module (.gnu_debugdata, an ELF file inside of it,
// compressed with xz).
std::optional<ElfFile> find_mini_debug(const ElfFile& module);

}  // namespace leakhunt::symbols
