// Text: a short text put together in a buffer: paths in /proc, names of files. What libc has for it
// allocates, or reads the locale.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace leakhunt::tracker {

inline size_t text_length(const char* text) {
  size_t length = 0;
  while (text[length] != '\0') ++length;
  return length;
}

class Text {
 public:
  Text(char* buffer, size_t capacity) : at_(buffer), end_(buffer + capacity) { *at_ = '\0'; }

  // Ended by a NUL after every call. What does not fit is left out, and fits() says so from then on.
  Text& put(char c) {
    fits_ = fits_ && at_ + 1 < end_;
    if (!fits_) return *this;
    *at_++ = c;
    *at_ = '\0';
    return *this;
  }
  Text& put(const char* text) {
    for (; *text != '\0'; ++text) put(*text);
    return *this;
  }
  Text& put(uint64_t number) {
    char digits[20];
    size_t count = 0;
    do {
      digits[count++] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    while (count > 0) put(digits[--count]);
    return *this;
  }

  bool fits() const { return fits_; }

 private:
  char* at_;
  char* end_;
  bool fits_ = true;
};

}  // namespace leakhunt::tracker
