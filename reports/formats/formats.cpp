#include "reports/formats/formats.h"

#include <algorithm>
#include <array>

namespace leakhunt::reports {

namespace {

constexpr std::array<Format, 3> kFormats = {{
    {"text", "txt", "report.txt", write_text},
    {"json", "json", "report.json", write_json},
    {"massif", "out", "massif.out", write_massif},
}};

}  // namespace

std::span<const Format> all_formats() {
  return kFormats;
}

const Format* find_format(std::string_view name) {
  const auto found =
      std::find_if(kFormats.begin(), kFormats.end(), [&](const Format& f) { return f.name == name; });
  return found == kFormats.end() ? nullptr : &*found;
}

}  // namespace leakhunt::reports
