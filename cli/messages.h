// messages: how the command speaks on stderr, and the exit statuses that no verdict gives.
#pragma once

#include <string_view>

namespace leakhunt::cli {

inline constexpr int kWrongCall = 2;  // or something is missing
inline constexpr int kTargetFailed = 3;
inline constexpr int kSignalled = 128;  // plus the signal's number

// "leakhunt: <text>", one line.
void say(std::string_view text);

// Says it and returns kWrongCall.
int refuse(std::string_view text);

}  // namespace leakhunt::cli
