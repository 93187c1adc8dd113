// entry_text: how the tracker is to put a jump at the entry of a function, as a text that EntryPatch in
// instrument/os/entry_patch.h reads. Worked out here, before anything is started: it takes a decoder.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "lib/symbols/functions.h"

namespace leakhunt::runner {

// Of a function of the file. The error says why its entry cannot be watched.
tl::expected<std::string, std::string> entry_text(const std::filesystem::path& file,
                                                  const symbols::Function& function);

// Of the function that is linked by this name; empty when there is none, or its entry cannot be watched.
std::string entry_text(const std::filesystem::path& file, std::string_view linked_name);

}  // namespace leakhunt::runner
