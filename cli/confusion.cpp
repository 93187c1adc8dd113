// leakhunt confusion: how far its own verdicts on growth can be trusted, measured on series whose truth is
// known.
#include "reports/synthetic/confusion.h"

#include <algorithm>
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/messages.h"
#include "cli/until_certain.h"
#include "reports/synthetic/early.h"

namespace leakhunt::cli {

namespace {

namespace synthetic = reports::synthetic;

constexpr size_t kMostSeries = 10'000'000;

struct Options {
  std::string family = "all";
  size_t series = 4200;
  uint64_t seed = 1;
  std::string until_certain;
};

// Judges one family with about `series` series; true if it meets the bars.
bool judge_whole(const char* name, const std::vector<synthetic::Recipe>& recipes, size_t series,
                 uint64_t seed) {
  const size_t each = std::max<size_t>(1, (series + recipes.size() - 1) / recipes.size());
  const synthetic::Confusion confusion = synthetic::judge_family(recipes, each, seed);
  synthetic::write_confusion(confusion, name, std::cout);
  std::cout << std::endl;
  return confusion.bars_are_met();
}

bool judge_before_the_end(const char* name, const std::vector<synthetic::Recipe>& recipes, size_t series,
                          uint64_t seed, double confidence) {
  const size_t each = std::max<size_t>(1, (series + recipes.size() - 1) / recipes.size());
  const synthetic::EarlyVerdicts verdicts = synthetic::judge_early(recipes, each, seed, confidence);
  synthetic::write_early(verdicts, name, std::cout);
  std::cout << std::endl;
  return verdicts.bars_are_met();
}

int run(const Options& options) {
  tl::expected<double, std::string> confidence = 0;
  if (!options.until_certain.empty()) confidence = parse_confidence(options.until_certain);
  if (!confidence) return refuse(confidence.error());
  const auto judge = [&](const char* name, const auto& recipes, size_t series, uint64_t seed) {
    return *confidence > 0 ? judge_before_the_end(name, recipes, series, seed, *confidence)
                           : judge_whole(name, recipes, series, seed);
  };
  const size_t part = options.family == "all" ? options.series / 2 : options.series;
  bool met = true;
  if (options.family != "field") met = judge("textbook", synthetic::textbook(), part, options.seed) && met;
  if (options.family != "textbook") met = judge("field", synthetic::field(), part, options.seed) && met;
  std::cout << fmt::format("{} with seed {}\n", met ? "every bar is met" : "A BAR IS MISSED", options.seed);
  if (!std::cout.flush()) return refuse("the table could not be written to stdout");
  return met ? 0 : 1;
}

}  // namespace

void declare_confusion(CLI::App& app, const Surroundings& surroundings, int& status) {
  CLI::App* command =
      app.add_subcommand("confusion", "Judge series of known truth, and print what is taken for what");
  auto options = std::make_shared<Options>();
  command
      ->add_option("--family", options->family,
                   "Whose series: textbook shapes, programs of the field, or all")
      ->check(CLI::IsMember({"textbook", "field", "all"}))
      ->capture_default_str();
  command->add_option("--series", options->series, "How many, about; half are innocent")
      ->check(CLI::Range(size_t{1}, kMostSeries))
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Other programs of the same kinds")
      ->type_name("N")
      ->capture_default_str();
  declare_until_certain(*command, options->until_certain);
  command->footer(
      "Bars: no innocent accused; no leak of 1.6 bytes per iteration or more missed within 10,000 "
      "iterations;\n"
      "class right for 98 %. Exit status: 0 met, 1 missed, 2 wrong call. docs/verdicts.md has the classes.");
  command->callback([&status, &surroundings, options] {
    status = surroundings.has_dashes
                 ? refuse("confusion takes no program after --; see leakhunt confusion --help")
                 : run(*options);
  });
}

}  // namespace leakhunt::cli
