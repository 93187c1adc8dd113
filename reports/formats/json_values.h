// json_values: how numbers go into every report.json.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <type_traits>

#include <nlohmann/json.hpp>

namespace leakhunt::reports {

using Json = nlohmann::ordered_json;

// Whole numbers without ".0", so that a slope of exactly 16 reads 16 and an exact zero reads 0.
inline Json number(double value) {
  if (std::nearbyint(value) == value && std::abs(value) < 9e15) return static_cast<int64_t>(value);
  return value;
}

template <typename T>
Json or_null(const std::optional<T>& value) {
  if (!value) return nullptr;
  if constexpr (std::is_floating_point_v<T>) return number(*value);
  return *value;
}

}  // namespace leakhunt::reports
