#include "cli/until_certain.h"

#include <charconv>
#include <memory>

#include <fmt/format.h>

#include "reports/analysis/certainty.h"

namespace leakhunt::cli {

namespace {

using Refusal = tl::unexpected<std::string>;

}  // namespace

tl::expected<double, std::string> parse_confidence(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end || !(value >= 0.5) || !(value < 1))
    return Refusal(fmt::format(
        "--until-certain={}: a confidence is at least 0.5 and below 1; write --until-certain=0.99", text));
  return value;
}

void declare_until_certain(CLI::App& command, std::string& text) {
  command.add_flag(fmt::format("--until-certain{{{}}}", reports::kUsualCertainty), text,
                   "Judge it while it runs, and stop it as soon as the verdict is certain "
                   "(--until-certain=0.95: less so)");
}

tl::expected<runner::LiveJudge, std::string> live_judge(const std::string& text, uint64_t iterations,
                                                        uint64_t warm_up,
                                                        const std::string& where_iterations_go) {
  if (text.empty()) return runner::LiveJudge();
  const auto confidence = parse_confidence(text);
  if (!confidence) return Refusal(confidence.error());
  if (iterations == 0) {
    return Refusal(
        fmt::format("--until-certain: how many iterations there will be is not known, so nothing about them "
                    "is certain; {}",
                    where_iterations_go));
  }
  auto judge = std::make_shared<reports::EarlyJudge>(iterations, warm_up, *confidence);
  return [judge](const recording::Run& run) { return judge->look(run); };
}

std::string why_to_the_end(const runner::Schedule& schedule) {
  if (schedule.kind == runner::ScenarioKind::kChunks) {
    return fmt::format(
        "{}: each chunk goes on where the one before it has ended, so none of them can end before its time",
        schedule.name);
  }
  for (const runner::Plan& plan : schedule.runs) {
    if (plan.scenario.iterations == 0) {
      return fmt::format(
          "{}: how many iterations there will be is not known, so nothing about them is certain; write "
          "iterations = 1000 into the scenario",
          schedule.name);
    }
  }
  return {};
}

tl::expected<runner::LiveJudge, std::string> live_judge(const std::string& text,
                                                        const runner::Schedule& schedule,
                                                        const runner::Plan& plan) {
  if (text.empty() || !why_to_the_end(schedule).empty()) return runner::LiveJudge();
  return live_judge(text, plan.scenario.iterations, plan.scenario.warm_up, "");
}

}  // namespace leakhunt::cli
