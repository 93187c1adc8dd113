// leakhunt baseline accept RECORDING...: writes what a run costs into a file that is committed, and never
// loosens it unasked.
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "cli/baseline_file.h"
#include "cli/commands.h"
#include "cli/judged.h"
#include "cli/messages.h"
#include "reports/gate/comparison_with_baseline.h"
#include "reports/gate/ratchet.h"
#include "scenarios/runner/output_directory.h"

namespace leakhunt::cli {

namespace fs = std::filesystem;

namespace {

using Refusal = tl::unexpected<std::string>;
using reports::Baseline;

constexpr int kWouldLoosen = 1;

struct Options {
  std::vector<std::string> recordings;
  std::string file;
  bool loosen = false;
};

tl::expected<Baseline, std::string> make_baseline(const std::vector<std::string>& recordings) {
  std::vector<Judged> judged;
  for (const std::string& recording : recordings) {
    auto one = judge_recording(runner::recording_in(recording));
    if (!one) return Refusal(one.error());
    judged.push_back(std::move(*one));
  }
  std::vector<const reports::Report*> reports;
  for (const Judged& each : judged) reports.push_back(&each.report);
  return reports::make_baseline(reports);
}

// out/short_small/recording.lhr -> short_small.baseline
fs::path default_file(const std::string& recording) {
  const fs::path directory = fs::absolute(runner::recording_in(recording)).parent_path();
  return directory.filename().string() + ".baseline";
}

// What RSS has was measured with the machine's noise: within the old band it stays as it was.
void keep_band(const Baseline& old, Baseline& fresh) {
  const auto allowed = reports::allowed_rss(old);
  if (!allowed || fresh.rss.high > *allowed) return;
  const auto anew = reports::allowed_rss(fresh);
  if (anew && *anew <= *allowed) return;
  fresh.rss = old.rss;
  fresh.recordings = old.recordings;
}

void print_changes(const std::vector<reports::BaselineChange>& changes) {
  for (const reports::BaselineChange& change : changes)
    std::cout << fmt::format("  {} {}\n", change.loosens ? "looser " : "tighter", change.text);
  std::cout << std::flush;
}

int accept(const Options& options) {
  auto fresh = make_baseline(options.recordings);
  if (!fresh) return refuse(fresh.error());
  const fs::path file =
      options.file.empty() ? default_file(options.recordings.front()) : fs::path(options.file);
  std::error_code problem;
  if (fs::exists(file, problem)) {
    const auto old = read_baseline(file);
    if (!old && !options.loosen) return refuse(old.error());
    if (old) {
      keep_band(*old, *fresh);
      const auto changes = reports::changes_of(*old, *fresh);
      print_changes(changes);
      size_t looser = 0;
      for (const reports::BaselineChange& change : changes) looser += change.loosens ? 1 : 0;
      if (looser > 0 && !options.loosen) {
        say(fmt::format(
            "{} was left as it is: {} of its figures would become looser; if that is meant, add --loosen",
            file.string(), looser));
        return kWouldLoosen;
      }
    }
  }
  const auto written = write_file(file, [&](std::ostream& out) { out << reports::to_text(*fresh); });
  if (!written) return refuse(written.error());
  std::cout << fmt::format("wrote {}: {} of {} tags and {} places, {} recording{}\n", file.string(),
                           "the figures", fresh->tags.size(), fresh->places.size(), fresh->recordings,
                           fresh->recordings == 1 ? " (several give resident memory a band)" : "s")
            << std::flush;
  return 0;
}

}  // namespace

void declare_baseline(CLI::App& app, const Surroundings& surroundings, int& status) {
  CLI::App* command =
      app.add_subcommand("baseline", "Accept what a run costs as what it may cost from now on");
  command->require_subcommand(1);
  CLI::App* accepted =
      command->add_subcommand("accept", "Write the baseline of one recording, or of several of the same run");
  auto options = std::make_shared<Options>();
  accepted
      ->add_option("recordings", options->recordings,
                   "A recording.lhr, or the --out directory that holds one")
      ->required();
  accepted
      ->add_option("--baseline", options->file,
                   "The file (default: NAME.baseline of the --out directory NAME)")
      ->type_name("FILE");
  accepted->add_flag("--loosen", options->loosen,
                     "Replace a baseline that allows less, or is of another configuration");
  accepted->footer(
      "Exit status: 0 written, 1 it would have become looser, 2 wrong call. docs/gates.md is the manual.");
  accepted->callback([&status, &surroundings, options] {
    status = surroundings.has_dashes
                 ? refuse("baseline takes no program after --; see leakhunt baseline --help")
                 : accept(*options);
  });
}

}  // namespace leakhunt::cli
