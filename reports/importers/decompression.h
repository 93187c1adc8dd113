// decompression: a file's content, opened if it is gzipped or zstd-compressed.
#pragma once

#include <string>

#include <tl/expected.hpp>

namespace leakhunt::reports {

// What a file may hold once it is opened: one that was made to be large is refused.
inline constexpr size_t kLargestContent = size_t{1} << 31;

// The error says what is wrong, without the file's name.
tl::expected<std::string, std::string> decompressed(std::string content, size_t largest = kLargestContent);

}  // namespace leakhunt::reports
