// written: a report in a format, as text.
#pragma once

#include <sstream>
#include <string>
#include <string_view>

#include "reports/formats/formats.h"

namespace leakhunt::reports {

inline std::string written(const Format& format, const Report& report) {
  std::ostringstream out;
  format.write(report, out);
  return out.str();
}

inline std::string written(std::string_view format, const Report& report) {
  return written(*find_format(format), report);
}

inline std::string written(std::string_view format, const Report& report, const Moment& moment) {
  std::ostringstream out;
  find_format(format)->write(report, moment, out);
  return out.str();
}

}  // namespace leakhunt::reports
