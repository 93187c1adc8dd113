#include "scenarios/runner/iteration_marks.h"

#include <utility>

#include <fmt/format.h>

#include "scenarios/runner/entry_text.h"
#include "scenarios/runner/iteration_symbol.h"
#include "scenarios/runner/needed_libraries.h"

namespace leakhunt::runner {

namespace {

class MatchingReader : public OutputReader {
 public:
  MatchingReader(LinePattern pattern, MatchCount& matches) : lines_(std::move(pattern)), matches_(matches) {}
  void begin() override { matches_.begin(); }
  void read(std::string_view bytes) override { matches_.add(lines_.feed(bytes), bytes.size()); }
  void end() override { matches_.add(lines_.finish(), 0); }

 private:
  LineCounter lines_;
  MatchCount& matches_;
};

// The functions of libc that all output goes through: the tracker is to know when there is some. Where they
// cannot be watched lines are counted all the same, only later.
void watch_output(const std::filesystem::path& program, std::map<std::string, std::string>& environment) {
  for (const std::filesystem::path& library : files_of(program).libraries) {
    if (library.filename() != "libc.so.6") continue;
    environment["LEAKHUNT_ITERATION_WRITE"] = entry_text(library, "write");
    environment["LEAKHUNT_ITERATION_WRITEV"] = entry_text(library, "writev");
  }
}

}  // namespace

tl::expected<IterationMarks, std::string> IterationMarks::prepare(const MarksRequest& request,
                                                                  const std::filesystem::path& program) {
  IterationMarks marks;
  if (request.symbol) {
    auto watch = find_iteration_symbol(program, *request.symbol);
    if (!watch) return tl::unexpected(watch.error());
    marks.environment_["LEAKHUNT_ITERATION_WHAT"] = *request.symbol;
    marks.environment_["LEAKHUNT_ITERATION_ENTRY"] = std::move(watch->function);
    if (!watch->loader.empty()) marks.environment_["LEAKHUNT_LOADER_ENTRY"] = std::move(watch->loader);
  }
  if (request.regex) {
    auto pattern = LinePattern::compile(*request.regex);
    if (!pattern) return tl::unexpected(fmt::format("--iteration-regex: {}", pattern.error()));
    marks.environment_["LEAKHUNT_ITERATION_WHAT"] = *request.regex;
    marks.regex_ = request.regex;
    watch_output(program, marks.environment_);
  }
  return marks;
}

tl::expected<void, std::string> IterationMarks::open(const std::filesystem::path& directory) {
  if (!regex_) return {};
  auto matches = MatchCount::create(directory / "matches");
  if (!matches) return tl::unexpected(matches.error());
  matches_ = std::make_unique<MatchCount>(std::move(*matches));
  environment_["LEAKHUNT_ITERATION_LINES"] = matches_->file().string();
  // The streams' threads match at the same time: each with an expression of its own.
  auto relay = OutputRelay::create([this] {
    return std::make_unique<MatchingReader>(std::move(*LinePattern::compile(*regex_)), *matches_);
  });
  if (!relay) return tl::unexpected(relay.error());
  relay_ = std::move(*relay);
  return {};
}

}  // namespace leakhunt::runner
