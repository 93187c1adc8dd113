#include "cli/baseline_file.h"

#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "reports/gate/comparison_with_baseline.h"
#include "reports/gate/positive_control.h"

namespace leakhunt::cli {

tl::expected<reports::Baseline, std::string> read_baseline(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream || std::filesystem::is_directory(file)) {
    return tl::unexpected(fmt::format(
        "{}: the baseline cannot be read; make one with leakhunt baseline accept RECORDING --baseline {}",
        file.string(), file.string()));
  }
  auto baseline = reports::parse_baseline(text.str());
  if (baseline) return baseline;
  return tl::unexpected(fmt::format("{}:{}", file.string(), baseline.error()));
}

tl::expected<void, std::string> compare_with(const std::filesystem::path& file, bool positive_control,
                                             Judged& judged) {
  const auto baseline = read_baseline(file);
  if (!baseline) return tl::unexpected(baseline.error());
  if (const std::string why = reports::why_not_comparable(judged.report, *baseline); !why.empty()) {
    return tl::unexpected(fmt::format(
        "{}: the baseline is of another configuration: {}; give the baseline of this one, or make it with "
        "leakhunt baseline accept RECORDING --baseline FILE",
        file.string(), why));
  }
  reports::compare_with_baseline(judged.report, *baseline);
  if (positive_control) reports::run_positive_control(*judged.run, &*baseline, judged.report);
  return {};
}

}  // namespace leakhunt::cli
