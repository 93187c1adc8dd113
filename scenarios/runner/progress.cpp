#include "scenarios/runner/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "scenarios/runner/quantities.h"

namespace leakhunt::runner {

namespace {

constexpr auto kBarInterval = std::chrono::milliseconds(250);
constexpr auto kLineInterval = std::chrono::seconds(5);
constexpr size_t kWidestBar = 40;
constexpr size_t kNarrowestBar = 6;
constexpr size_t kDefaultColumns = 80;

constexpr const char* kRed = "\x1b[31m";
constexpr const char* kPlain = "\x1b[0m";

// One figure: for a line in a log, and shorter for the bar. `alarms` makes it red.
struct Figure {
  std::string text;
  std::string brief;
  bool alarms = false;
};

std::string thousands(uint64_t count) {
  std::string digits = std::to_string(count);
  for (size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

Figure iterations_figure(const Moment& moment) {
  std::string text;
  if (moment.total > 0) {
    text = fmt::format("{}/{}", thousands(moment.iterations), thousands(moment.total));
  } else if (moment.iterations > 0) {
    text = fmt::format("{} iterations", thousands(moment.iterations));
  } else {
    text = human_duration(moment.elapsed);
  }
  return {text, text};
}

Figure memory_figure(const Moment& moment) {
  const std::string rss = human_bytes(moment.rss_bytes);
  if (!moment.budget_bytes) return {rss, rss};
  const std::string budget = human_bytes(*moment.budget_bytes);
  return {rss + " of " + budget, rss + "/" + budget, moment.rss_bytes > *moment.budget_bytes / 10 * 9};
}

Figure growth_figure(double growth) {
  if (std::abs(growth) < 0.5) return {"growth 0", "+0 B/it"};
  const std::string size = human_bytes(static_cast<uint64_t>(std::llround(std::abs(growth))));
  const std::string text = fmt::format("{}{}/it", growth > 0 ? "+" : "-", size);
  return {"growth " + text, text, growth > 0};
}

// From the most to the least important.
std::vector<Figure> figures_of(const Moment& moment) {
  std::vector<Figure> figures = {iterations_figure(moment)};
  if (moment.iterations_per_second) {
    const std::string rate = human_rate(*moment.iterations_per_second) + " it/s";
    figures.push_back({rate, rate});
  }
  figures.push_back(memory_figure(moment));
  if (moment.growth) figures.push_back(growth_figure(*moment.growth));
  if (const auto left = moment.left()) {
    const std::string time = human_duration(*left);
    figures.push_back({time + " left", time + " left"});
  }
  return figures;
}

std::string bar_of(const Moment& moment, size_t width) {
  const double share =
      std::min(1.0, static_cast<double>(moment.iterations) / static_cast<double>(moment.total));
  const auto filled = static_cast<size_t>(share * static_cast<double>(width));
  std::string bar;
  for (size_t i = 0; i < width; ++i) bar += i < filled ? "━" : "─";
  return bar;
}

size_t columns_of(int file) {
  winsize size{};
  return ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kDefaultColumns;
}

}  // namespace

std::optional<std::chrono::nanoseconds> Moment::left() const {
  if (total == 0 || iterations >= total || !iterations_per_second || *iterations_per_second <= 0)
    return std::nullopt;
  const double seconds = static_cast<double>(total - iterations) / *iterations_per_second;
  if (seconds > 1e9) return std::nullopt;
  return std::chrono::nanoseconds(std::llround(seconds * 1e9));
}

std::string draw_bar(const Moment& moment, size_t columns, bool colours) {
  std::string line = moment.name.substr(0, columns);
  size_t used = line.size();
  std::string figures;
  for (const Figure& figure : figures_of(moment)) {
    if (used + 2 + figure.brief.size() > columns) break;
    used += 2 + figure.brief.size();
    const bool red = colours && figure.alarms;
    figures += fmt::format("  {}{}{}", red ? kRed : "", figure.brief, red ? kPlain : "");
  }
  if (moment.total > 0 && used + 2 + kNarrowestBar <= columns) {
    line += "  " + bar_of(moment, std::min(kWidestBar, columns - used - 2));
  }
  return line + figures;
}

std::string draw_line(const Moment& moment) {
  std::string line = moment.name + ":";
  const char* separator = " ";
  for (const Figure& figure : figures_of(moment)) {
    line += separator + figure.text;
    separator = ", ";
  }
  return line;
}

ProgressStyle style_for(int file) {
  const char* terminal = std::getenv("TERM");
  const bool can_redraw = terminal != nullptr && *terminal != '\0' && std::strcmp(terminal, "dumb") != 0;
  return isatty(file) == 1 && can_redraw ? ProgressStyle::kBar : ProgressStyle::kLines;
}

Progress::Progress(int file, ProgressStyle style) : file_(file), style_(style) {
  const char* no_color = std::getenv("NO_COLOR");
  colours_ = style == ProgressStyle::kBar && (no_color == nullptr || *no_color == '\0');
}

std::chrono::milliseconds Progress::interval() const {
  return style_ == ProgressStyle::kBar ? kBarInterval : std::chrono::milliseconds(1000);
}

void Progress::write_all(const std::string& text) const {
  const char* from = text.data();
  size_t left = text.size();
  while (left > 0) {
    const ssize_t written = write(file_, from, left);
    if (written <= 0) return;  // nobody is watching any more
    from += written;
    left -= static_cast<size_t>(written);
  }
}

void Progress::show(const Moment& moment) {
  if (style_ == ProgressStyle::kBar) {
    const size_t columns = columns_of(file_);
    write_all("\r" + draw_bar(moment, columns > 1 ? columns - 1 : 1, colours_) + "\x1b[K");
    bar_is_shown_ = true;
  } else if (style_ == ProgressStyle::kLines &&
             (!last_line_ || moment.elapsed - *last_line_ >= kLineInterval)) {
    last_line_ = moment.elapsed;
    write_all(draw_line(moment) + "\n");
  }
}

void Progress::finish(const Moment& moment) {
  if (bar_is_shown_) write_all("\r\x1b[K");
  bar_is_shown_ = false;
  if (style_ == ProgressStyle::kLines) write_all(draw_line(moment) + "\n");
}

}  // namespace leakhunt::runner
