// split_debug: finds the file with the debug information that was split off a stripped module.
//
// Looks where gdb looks ("Debugging Information in Separate Files" of its manual), on this machine only:
// neither libdwfl nor debuginfod is involved, so nothing here ever waits for a network.
#pragma once

#include <optional>

#include "lib/symbols/elf_file.h"

namespace leakhunt::symbols {

// By build-id in `debug_root`/.build-id/xx/yyyy.debug, then by .gnu_debuglink beside the module, in its
// folder .debug, and in `debug_root` followed by the module's folder. A candidate counts only if its
// build-id, or without one its CRC-32, is the one that the module names.
std::optional<ElfFile> find_split_debug(const ElfFile& module,
                                        const std::string& debug_root = "/usr/lib/debug");

}  // namespace leakhunt::symbols
