// spelling: what a misspelt word was probably meant to be.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace leakhunt::runner {

// The candidate nearest to `word`, if it is near: at most a third of the letters differ (insertion, deletion,
// substitution, two neighbours swapped). Empty otherwise. O(candidates x letters^2).
std::string_view nearest_word(std::string_view word, std::span<const std::string_view> candidates);

// " (did you mean X?)", or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace leakhunt::runner
