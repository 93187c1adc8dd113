#include "cli/amounts.h"

#include <fmt/format.h>

#include "lib/recording/budget.h"

namespace leakhunt::cli {

namespace {

constexpr uint64_t kLeastCeiling = 1'000'000;

}  // namespace

tl::expected<std::optional<uint64_t>, std::string> parse_amount(const char* option,
                                                                const std::optional<std::string>& text) {
  if (!text) return std::optional<uint64_t>();
  const auto bytes = recording::parse_bytes(*text);
  if (!bytes) return tl::unexpected(fmt::format("{}: {}", option, bytes.error()));
  return std::optional<uint64_t>(*bytes);
}

tl::expected<std::optional<uint64_t>, std::string> parse_ceiling(const char* option,
                                                                 const std::optional<std::string>& text) {
  auto bytes = parse_amount(option, text);
  if (bytes && *bytes && **bytes < kLeastCeiling) {
    return tl::unexpected(
        fmt::format("{}: no program runs in {} bytes; give at least 1MB, with its unit", option, **bytes));
  }
  return bytes;
}

}  // namespace leakhunt::cli
