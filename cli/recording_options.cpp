#include "cli/recording_options.h"

#include <fmt/format.h>

#include "cli/amounts.h"
#include "cli/configured_budget.h"
#include "scenarios/runner/quantities.h"

namespace leakhunt::cli {

namespace {

constexpr std::chrono::milliseconds kMinInterval(1);
constexpr std::chrono::milliseconds kMaxInterval(60'000);

bool is_graph_plan(std::string_view text) {
  if (text == "auto" || text == "off" || text == "exit") return true;
  constexpr std::string_view kEvery = "every=";
  if (!text.starts_with(kEvery)) return false;
  const std::string_view count = text.substr(kEvery.size());
  const bool digits =
      !count.empty() && count.size() <= 9 && count.find_first_not_of("0123456789") == count.npos;
  return digits && count.find_first_not_of('0') != count.npos;
}

}  // namespace

void declare(CLI::App& command, RecordingOptions& options, const char* default_out,
             const char* about_budget) {
  command
      .add_option("--out", options.out,
                  fmt::format("Directory for recording and reports (default: {})", default_out))
      ->type_name("DIR");
  command.add_option("--budget", options.budget, about_budget)->type_name("5GB");
  command.add_option("--max-growth", options.max_growth, "Growth per iteration that is still a pass")
      ->type_name("BYTES");
  command
      .add_option("--max-lost", options.max_lost,
                  "Memory that nothing leads to any more when the program ends, and is still a pass")
      ->type_name("BYTES");
  command
      .add_option("--interval", options.interval,
                  "Clock of a program that marks no iterations: 250ms, 1s (default: 100ms)")
      ->type_name("T");
  command
      .add_option(
          "--stacks", options.stacks,
          "How call stacks are found: by unwind rules (cfi), by frame pointers only (fp), or not (none)")
      ->check(CLI::IsMember({"cfi", "fp", "none"}))
      ->capture_default_str();
  command
      .add_option("--graph", options.graph,
                  "Heap graphs (who points to whom): when something grows (auto), never (off), at the end "
                  "(exit), or every K iterations and at the end (every=K)")
      ->type_name("WHEN")
      ->capture_default_str();
  declare_config(command, options.config);
  command.add_flag("--no-positive-control", options.no_positive_control,
                   "Do not show, with an injected leak, that the gate would catch one");
}

tl::expected<recording::Budget, std::string> parse_budget(const RecordingOptions& options) {
  auto configured = configured_budget(options.config, ConfigSearch::kOfTheProject);
  if (!configured) return configured;
  recording::Budget budget = std::move(*configured);
  const auto ceiling = parse_ceiling("--budget", options.budget);
  if (!ceiling) return tl::unexpected(ceiling.error());
  if (*ceiling) budget.peak_rss_bytes = *ceiling;
  const auto growth = parse_amount("--max-growth", options.max_growth);
  if (!growth) return tl::unexpected(growth.error());
  if (*growth) budget.growth_bytes_per_iteration = static_cast<double>(**growth);
  const auto lost = parse_amount("--max-lost", options.max_lost);
  if (!lost) return tl::unexpected(lost.error());
  if (*lost) {
    budget.limits.push_back({{}, recording::Cost::kLostBytes, static_cast<double>(**lost), {}, {}});
    recording::name_limits(budget.limits);
  }
  budget.positive_control = !options.no_positive_control && gates(budget);
  return budget;
}

tl::expected<std::string, std::string> graph_plan(const RecordingOptions& options,
                                                  const recording::Budget& budget) {
  if (!is_graph_plan(options.graph)) {
    return tl::unexpected(fmt::format(
        "--graph: '{}' is none of auto, off, exit and every=K (K iterations, at least 1)", options.graph));
  }
  if (options.max_lost && options.graph == "off")
    return tl::unexpected<std::string>(
        "--max-lost is asked of a heap graph at the end, and --graph off takes none: leave out one of them");
  return options.graph == "auto" && has_lost_limits(budget) ? "auto+exit" : options.graph;
}

tl::expected<std::optional<std::chrono::milliseconds>, std::string> parse_interval(
    const RecordingOptions& options) {
  if (!options.interval) return std::nullopt;
  const std::string& text = *options.interval;
  const bool plain = text.find_first_not_of("0123456789") == std::string::npos && !text.empty();
  const auto time = runner::parse_duration(plain ? text + "ms" : text);
  if (!time) return tl::unexpected(fmt::format("--interval: {}", time.error()));
  const auto interval = std::chrono::round<std::chrono::milliseconds>(*time);
  if (interval < kMinInterval || interval > kMaxInterval)
    return tl::unexpected(fmt::format("--interval: {} is not between 1ms and 60s", text));
  return interval;
}

}  // namespace leakhunt::cli
