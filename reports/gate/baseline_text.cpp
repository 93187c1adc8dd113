// The text of a baseline, a line a fact: a word, names in quotes, key=value. Sorted, so that a difference
// between two of them is what has changed. Its last line is a checksum of all before it: what was changed by
// hand, by a merge or by a machine is refused with its line, since a gate that was loosened so would pass in
// silence.
#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "lib/recording/fast_crc.h"
#include "reports/gate/baseline.h"

namespace leakhunt::reports {

namespace {

constexpr std::string_view kFirstLine = "leakhunt baseline 1";
constexpr std::string_view kExplanation =
    "# What a run costs. leakhunt gate RECORDING --baseline FILE fails when it costs more; leakhunt baseline "
    "accept\n"
    "# writes this file, and loosens it only with --loosen. peak, end: live bytes. blocks: live at the end.\n"
    "# allocations: after the warm-up. growth: bytes per iteration. A..B: the band of several recordings.\n";

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += fmt::format("\\{}", c);
    } else if (byte < 0x20 || byte == 0x7f) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  return result + '"';
}

std::string band_text(const Band& band) {
  const auto number = [](double value) {
    return value == std::floor(value) ? fmt::format("{}", static_cast<int64_t>(value))
                                      : fmt::format("{}", value);
  };
  return band.is_exact() ? number(band.low) : number(band.low) + ".." + number(band.high);
}

std::string figures_text(const Figures& figures) {
  std::string text;
  for (size_t i = 0; i < kFigures; ++i)
    text += fmt::format(" {}={}", to_string(static_cast<Figure>(i)), band_text(figures.bands[i]));
  return text + '\n';
}

std::string checksum_line(std::string_view text) {
  return fmt::format("checksum {:08x}\n",
                     recording::fast_crc32c(0, reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

// --- reading -------------------------------------------------------------------------------------

// One line, taken word by word. The first complaint is kept.
class Line {
 public:
  explicit Line(std::string_view text) : rest_(text) {}

  std::string_view word() {
    const size_t end = std::min(rest_.find(' '), rest_.size());
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return word;
  }
  void skip(std::string_view expected) {
    if (!rest_.starts_with(expected)) return complain(fmt::format("\"{}\" is missing", expected));
    rest_.remove_prefix(expected.size());
  }
  std::string name() {
    skip("\"");
    std::string text;
    while (!rest_.empty() && rest_.front() != '"') text += letter();
    skip("\"");
    return text;
  }
  uint64_t count() { return number<uint64_t>(); }
  Band band() {
    Band band;
    band.low = number<double>();
    band.high = band.low;
    if (rest_.starts_with("..")) {
      skip("..");
      band.high = number<double>();
    }
    if (!std::isfinite(band.low) || !std::isfinite(band.high) || std::abs(band.low) > 1e18 ||
        std::abs(band.high) > 1e18)
      complain("a figure that cannot be");
    if (band.low > band.high) complain("a band that ends before it begins");
    return band;
  }
  Figures figures() {
    Figures figures;
    for (size_t i = 0; i < kFigures; ++i) {
      skip(fmt::format(" {}=", to_string(static_cast<Figure>(i))));
      figures.bands[i] = band();
    }
    return figures;
  }
  void end() {
    if (!rest_.empty())
      complain(fmt::format("\"{}\" stands where the line should end", printable(rest_.substr(0, 20))));
  }
  bool at_end() const { return rest_.empty(); }
  void complain(std::string what) {
    if (problem_.empty()) problem_ = std::move(what);
    rest_ = {};
  }
  const std::string& problem() const { return problem_; }

  static std::string printable(std::string_view text) {
    std::string result(text);
    std::replace_if(
        result.begin(), result.end(),
        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    return result;
  }

 private:
  char letter() {
    char c = rest_.front();
    rest_.remove_prefix(1);
    if (c != '\\' || rest_.empty()) return c;
    c = rest_.front();
    rest_.remove_prefix(1);
    if (c != 'x') return c;
    unsigned value = 0;
    const size_t digits = std::min<size_t>(2, rest_.size());
    const auto [after, wrong] = std::from_chars(rest_.data(), rest_.data() + digits, value, 16);
    if (wrong != std::errc{}) complain("\\x without its two digits");
    if (wrong == std::errc{}) rest_.remove_prefix(static_cast<size_t>(after - rest_.data()));
    return static_cast<char>(value);
  }
  template <typename Number>
  Number number() {
    Number value{};
    // "12..14" is a band, not the number "12.".
    const size_t length = std::min({rest_.find(".."), rest_.find(' '), rest_.size()});
    const auto [after, wrong] = std::from_chars(rest_.data(), rest_.data() + length, value);
    if (wrong != std::errc{} || after != rest_.data() + length) {
      complain(fmt::format("\"{}\" is no number", printable(rest_.substr(0, std::min<size_t>(20, length)))));
      return {};
    }
    rest_.remove_prefix(length);
    return value;
  }

  std::string_view rest_;
  std::string problem_;
};

std::vector<std::string> read_command(Line& line) {
  std::vector<std::string> words;
  while (!line.at_end()) {
    line.skip(" ");
    words.push_back(line.name());
  }
  return words;
}

// The lines that come once, in this order.
constexpr std::string_view kOnce[] = {"command", "iterations", "warm-up",    "judged", "clock",
                                      "build",   "stacks",     "recordings", "rss",    "process"};

std::string read_once(std::string_view key, Line& line, Baseline& baseline) {
  Configuration& configuration = baseline.configuration;
  if (key == "command") configuration.command = read_command(line);
  if (key == "process") baseline.process = line.figures();
  if (key == "command" || key == "process") return line.problem();
  line.skip(" ");
  if (key == "iterations") configuration.iterations = line.count();
  if (key == "warm-up") configuration.warm_up = line.count();
  if (key == "judged") baseline.judged = line.count();
  if (key == "clock") configuration.clock = line.name();
  if (key == "build") configuration.build = line.name();
  if (key == "stacks") configuration.stacks = line.name();
  if (key == "recordings") baseline.recordings = line.count();
  if (key == "rss") baseline.rss = line.band();
  if (key == "recordings" && baseline.recordings == 0) line.complain("a baseline of no recording");
  return line.problem();
}

// Rows come sorted, each once: a line that was pasted twice, or a row moved by a merge, is seen.
std::string read_row(std::string_view key, Line& line, Baseline& baseline) {
  line.skip(" ");
  const std::string tag = line.name();
  if (key == "tag") {
    if (!baseline.places.empty()) line.complain("a tag behind the places");
    if (!baseline.tags.empty() && tag <= baseline.tags.rbegin()->first)
      line.complain("the tags are not in order");
    baseline.tags[tag] = line.figures();
    return line.problem();
  }
  line.skip(" ");
  const PlaceName name{tag, line.name()};
  if (!baseline.places.empty() && name <= baseline.places.rbegin()->first)
    line.complain("the places are not in order");
  baseline.places[name] = line.figures();
  return line.problem();
}

// Limits come behind all else, sorted.
std::string read_limit(Line& line, Baseline& baseline) {
  line.skip(" ");
  const std::string key = line.name();
  line.skip(" ");
  if (!baseline.limits.empty() && key <= baseline.limits.rbegin()->first)
    line.complain("the limits are not in order");
  baseline.limits[key] = line.band();
  return line.problem();
}

// What others do to a text. Empty: nothing of that.
std::string damage_of(std::string_view line) {
  for (const std::string_view marker : {"<<<<<<<", "=======", ">>>>>>>", "|||||||"}) {
    if (line.starts_with(marker)) return "a merge conflict was left in the file";
  }
  if (line.ends_with('\r'))
    return "the line ends in CR LF: keep the file as it is written, with \"*.baseline -text\" in "
           ".gitattributes";
  return {};
}

// Empty: the line is well.
std::string read_line(std::string_view text, size_t& once, Baseline& baseline) {
  Line line(text);
  const std::string_view key = line.word();
  std::string problem;
  if (once < std::size(kOnce)) {
    if (key != kOnce[once])
      return fmt::format("\"{}\" stands where \"{}\" should", Line::printable(key.substr(0, 20)),
                         kOnce[once]);
    ++once;
    problem = read_once(key, line, baseline);
  } else if (key == "tag" || key == "place") {
    if (!baseline.limits.empty()) return "a tag or place behind the limits";
    problem = read_row(key, line, baseline);
  } else if (key == "limit") {
    problem = read_limit(line, baseline);
  } else {
    return fmt::format("\"{}\" begins no line of a baseline", Line::printable(key.substr(0, 20)));
  }
  if (!problem.empty()) return problem;
  line.end();
  return line.problem();
}

}  // namespace

std::string to_text(const Baseline& baseline) {
  const Configuration& configuration = baseline.configuration;
  std::string text = fmt::format("{}\n{}command", kFirstLine, kExplanation);
  for (const std::string& word : configuration.command) text += " " + quoted(word);
  text += fmt::format("\niterations {}\nwarm-up {}\njudged {}\n", configuration.iterations,
                      configuration.warm_up, baseline.judged);
  text += fmt::format("clock {}\nbuild {}\nstacks {}\n", quoted(configuration.clock),
                      quoted(configuration.build), quoted(configuration.stacks));
  text += fmt::format("recordings {}\nrss {}\n", baseline.recordings, band_text(baseline.rss));
  text += "process" + figures_text(baseline.process);
  for (const auto& [tag, figures] : baseline.tags)
    text += fmt::format("tag {}", quoted(tag)) + figures_text(figures);
  for (const auto& [name, figures] : baseline.places)
    text += fmt::format("place {} {}", quoted(name.first), quoted(name.second)) + figures_text(figures);
  for (const auto& [key, band] : baseline.limits)
    text += fmt::format("limit {} {}\n", quoted(key), band_text(band));
  return text + checksum_line(text);
}

tl::expected<Baseline, std::string> parse_baseline(std::string_view text) {
  Baseline baseline;
  bool sealed = false;
  size_t number = 0;
  size_t once = 0;
  const auto refuse = [&](std::string_view what) {
    return tl::unexpected(
        fmt::format("{}: {}; take the file back from version control, or write it anew: leakhunt baseline "
                    "accept --loosen",
                    number, what));
  };
  for (size_t begin = 0; begin < text.size();) {
    ++number;
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    const std::string_view before = text.substr(0, begin);
    begin = end + 1;
    if (const std::string damage = damage_of(line); !damage.empty()) return refuse(damage);
    if (number == 1) {
      if (line != kFirstLine)
        return refuse(fmt::format("no baseline begins so: the first line is \"{}\"", kFirstLine));
      continue;
    }
    if (line.empty() || line.starts_with('#')) continue;
    if (line.starts_with("checksum ")) {
      if (begin < text.size()) return refuse("lines follow the checksum");
      if (std::string(line) + "\n" != checksum_line(before))
        return refuse("the checksum is of another text: lines above were edited, removed or damaged");
      sealed = true;
      continue;
    }
    if (const std::string problem = read_line(line, once, baseline); !problem.empty()) return refuse(problem);
  }
  ++number;
  if (once < std::size(kOnce))
    return refuse(fmt::format("the file ends before its line \"{}\"", kOnce[once]));
  if (!sealed) return refuse("the file ends before its line \"checksum\"");
  return baseline;
}

}  // namespace leakhunt::reports
