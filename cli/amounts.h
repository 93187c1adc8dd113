// amounts: options that are amounts of memory. One check, one sentence, for every command.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <tl/expected.hpp>

namespace leakhunt::cli {

// An absent option stays absent. The error is a line that names the option.
tl::expected<std::optional<uint64_t>, std::string> parse_amount(const char* option,
                                                                const std::optional<std::string>& text);

// The same for a ceiling of resident memory, which no program can keep below a megabyte.
tl::expected<std::optional<uint64_t>, std::string> parse_ceiling(const char* option,
                                                                 const std::optional<std::string>& text);

}  // namespace leakhunt::cli
