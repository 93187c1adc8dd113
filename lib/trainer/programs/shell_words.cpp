#include "lib/trainer/programs/shell_words.h"

namespace leakhunt::trainer {

std::string shell_quoted(std::string_view word) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+./,:@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string_view::npos) return std::string(word);
  std::string text = "'";
  for (const char c : word) {
    if (c == '\'') {
      text += "'\\''";
    } else {
      text += c;
    }
  }
  return text + "'";
}

std::string command_without(std::string_view flag, int argc, char** argv) {
  const std::string with_value = std::string(flag) + "=";
  std::string command;
  for (int i = 0; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == flag) ++i;  // and its value
    if (word == flag || word.starts_with(with_value)) continue;
    command += (i == 0 ? "" : " ") + shell_quoted(word);
  }
  return command;
}

}  // namespace leakhunt::trainer
