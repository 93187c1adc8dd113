#include "reports/formats/escape.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

namespace leakhunt::reports {

namespace {

struct CodePoint {
  uint32_t value = 0;
  size_t bytes = 0;  // 0: not UTF-8 at this byte
};

// The code point at the beginning of `text`; overlong forms, surrogates and values beyond U+10FFFF are no
// UTF-8.
CodePoint first_code_point(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  if (byte(0) < 0x80) return {byte(0), 1};
  const size_t length = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
  if (byte(0) < 0xC2 || byte(0) > 0xF4 || text.size() < length) return {};
  uint32_t value = byte(0) & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0u) != 0x80) return {};
    value = (value << 6) | (byte(i) & 0x3Fu);
  }
  const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  return overlong || surrogate || value > 0x10FFFF ? CodePoint{} : CodePoint{value, length};
}

// Marks that change the direction of the text around them, and line separators.
bool reorders(uint32_t value) {
  return (value >= 0x202A && value <= 0x202E) || (value >= 0x2066 && value <= 0x2069) || value == 0x200E ||
         value == 0x200F || value == 0x2028 || value == 0x2029 || value == 0xFEFF;
}

std::string escaped(uint32_t value) {
  if (value == '\n') return "\\n";
  if (value == '\t') return "\\t";
  if (value == '\r') return "\\r";
  return value < 0x80 ? fmt::format("\\x{:02x}", value) : fmt::format("\\u{{{:04x}}}", value);
}

// Byte offset behind the first `count` code points.
size_t offset_of(std::string_view text, size_t count) {
  size_t at = 0;
  for (; at < text.size() && count > 0; --count)
    at += std::max<size_t>(1, first_code_point(text.substr(at)).bytes);
  return at;
}

}  // namespace

std::string escape_line(std::string_view name) {
  std::string result;
  result.reserve(name.size());
  for (size_t at = 0; at < name.size();) {
    const CodePoint point = first_code_point(name.substr(at));
    const bool control = point.value < 0x20 || (point.value >= 0x7F && point.value <= 0x9F);
    if (point.bytes == 0) {
      result += fmt::format("\\x{:02x}", static_cast<uint8_t>(name[at]));
    } else if (control || reorders(point.value)) {
      result += escaped(point.value);
    } else {
      result += name.substr(at, point.bytes);
    }
    at += std::max<size_t>(1, point.bytes);
  }
  return result;
}

std::string escape_xml(std::string_view line) {
  std::string result;
  result.reserve(line.size());
  for (size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    const std::string_view three = line.substr(at, 3);
    if (three == "\xEF\xBF\xBE" || three == "\xEF\xBF\xBF") {  // U+FFFE, U+FFFF: UTF-8, but no XML
      result += "\xEF\xBF\xBD";
      at += 2;
    } else if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '"') {
      result += "&quot;";
    } else {
      result += c;
    }
  }
  return result;
}

size_t columns(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += (static_cast<uint8_t>(c) & 0xC0u) != 0x80 ? 1 : 0;
  return count;
}

std::string shorten_middle(std::string_view text, size_t width) {
  const size_t length = columns(text);
  if (length <= width) return std::string(text);
  if (width == 0) return {};
  const size_t head = width / 2;
  const size_t tail = width - 1 - head;
  std::string result(text.substr(0, offset_of(text, head)));
  result += "…";
  result += text.substr(offset_of(text, length - tail));
  return result;
}

std::string shorten_front(std::string_view text, size_t width) {
  const size_t length = columns(text);
  if (length <= width) return std::string(text);
  if (width == 0) return {};
  return "…" + std::string(text.substr(offset_of(text, length - (width - 1))));
}

}  // namespace leakhunt::reports
