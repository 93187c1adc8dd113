// same_file: what the chunks of a training have left, held against what one uninterrupted run leaves.
#pragma once

#include <filesystem>

#include "reports/analysis/verdict.h"

namespace leakhunt::cli {

// `name` is how the file is called in both places. Passed when every byte is the same; inconclusive when one
// cannot be read. O(bytes), in pieces.
reports::Check compare_with_uninterrupted(const std::filesystem::path& name,
                                          const std::filesystem::path& of_chunks,
                                          const std::filesystem::path& of_whole);

}  // namespace leakhunt::cli
