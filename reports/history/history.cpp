#include "reports/history/history.h"

#include <sqlite3.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>
#include <unordered_map>

#include <fmt/format.h>

#include "reports/analysis/limits.h"
#include "reports/formats/escape.h"
#include "reports/formats/labels.h"
#include "reports/formats/retention.h"
#include "reports/formats/words.h"

namespace leakhunt::reports {

namespace {

using Refusal = tl::unexpected<std::string>;

constexpr int kApplication = 0x4c48554e;  // "LHUN", so that no other database is taken for one of ours
constexpr int kVersion = 2;               // 2: checks and findings
constexpr int kWaitMilliseconds = 10'000;
constexpr const char* kSchema =
    "CREATE TABLE IF NOT EXISTS runs ("
    " name TEXT NOT NULL, label TEXT NOT NULL, start_unix_ns INTEGER NOT NULL, pid INTEGER NOT NULL,"
    " verdict TEXT NOT NULL, reason TEXT NOT NULL, iterations INTEGER NOT NULL, iterations_per_second REAL,"
    " peak_rss_bytes INTEGER NOT NULL, end_bytes INTEGER NOT NULL, end_blocks INTEGER NOT NULL,"
    " growth_bytes REAL NOT NULL, allocations REAL NOT NULL, curve TEXT NOT NULL,"
    " checks TEXT NOT NULL DEFAULT '', findings TEXT NOT NULL DEFAULT '',"
    " PRIMARY KEY (name, start_unix_ns, pid)) WITHOUT ROWID";

// One statement; values are bound and read in order.
class Statement {
 public:
  Statement(sqlite3* database, const char* text) {
    if (sqlite3_prepare_v2(database, text, -1, &statement_, nullptr) != SQLITE_OK) statement_ = nullptr;
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind(const std::string& text) {
    sqlite3_bind_text(statement_, ++bound_, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
  }
  void bind(int64_t number) { sqlite3_bind_int64(statement_, ++bound_, number); }
  void bind(uint64_t number) { bind(static_cast<int64_t>(number)); }
  void bind(double number) { sqlite3_bind_double(statement_, ++bound_, number); }
  void bind(const std::optional<double>& number) {
    if (number) return bind(*number);
    sqlite3_bind_null(statement_, ++bound_);
  }
  bool step_to_row() { return statement_ != nullptr && (result_ = sqlite3_step(statement_)) == SQLITE_ROW; }
  bool is_done() const { return result_ == SQLITE_DONE; }

  void begin_row() { column_ = 0; }
  std::string text() {
    const int column = column_++;
    if (column >= sqlite3_column_count(statement_)) return {};  // a database of version 1
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return bytes == nullptr
               ? std::string()
               : std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column)));
  }
  int64_t number() { return sqlite3_column_int64(statement_, column_++); }
  uint64_t count() { return static_cast<uint64_t>(number()); }
  double real() { return sqlite3_column_double(statement_, column_++); }
  std::optional<double> optional_real() {
    if (sqlite3_column_type(statement_, column_) != SQLITE_NULL) return real();
    ++column_;
    return std::nullopt;
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
  int column_ = 0;
  int result_ = SQLITE_ERROR;
};

bool run_plainly(sqlite3* database, const std::string& text) {
  return sqlite3_exec(database, text.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
}

int64_t pragma(sqlite3* database, const char* text) {
  Statement statement(database, text);
  if (!statement.step_to_row()) return -1;
  statement.begin_row();
  return statement.number();
}

// Evenly spaced, with the first and the last.
std::vector<int64_t> curve_of(const Report& report) {
  const std::vector<size_t>& points = report.timeline.points;
  std::vector<int64_t> curve;
  const size_t count = std::min(points.size(), kCurvePoints);
  for (size_t i = 0; i < count; ++i) {
    const size_t at = count < 2 ? 0 : i * (points.size() - 1) / (count - 1);
    if (points[at] < report.growth.heap_bytes.size()) curve.push_back(report.growth.heap_bytes[points[at]]);
  }
  return curve;
}

std::string curve_text(const std::vector<int64_t>& curve) {
  std::string text;
  for (const int64_t value : curve) text += fmt::format("{}{}", text.empty() ? "" : " ", value);
  return text;
}

std::vector<int64_t> curve_from(std::string_view text) {
  std::vector<int64_t> curve;
  while (!text.empty() && curve.size() < kCurvePoints) {
    int64_t value = 0;
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc{}) break;
    curve.push_back(value);
    text.remove_prefix(std::min(text.size(), static_cast<size_t>(rest - text.data()) + 1));
  }
  return curve;
}

// --- checks and findings: a line each, its parts between tabs, of which their texts have none
// -----------------

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(at), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::string text_of(const std::vector<KeptCheck>& checks) {
  std::string text;
  for (const KeptCheck& check : checks)
    text += fmt::format("{}\t{}\n", escape_line(check.state), escape_line(check.text));
  return text;
}

std::vector<KeptCheck> checks_from(std::string_view text) {
  std::vector<KeptCheck> checks;
  for (const std::string& line : split(text, '\n')) {
    std::vector<std::string> parts = split(line, '\t');
    if (parts.size() == 2) checks.push_back({std::move(parts[0]), std::move(parts[1])});
  }
  return checks;
}

std::string text_of(const std::vector<KeptFinding>& findings) {
  std::string text;
  for (const KeptFinding& finding : findings) {
    text += fmt::format("{}\t{}\t{}", escape_line(finding.name), escape_line(finding.figures),
                        escape_line(finding.why));
    for (const std::string& frame : finding.stack) text += '\t' + escape_line(frame);
    text += '\n';
  }
  return text;
}

std::vector<KeptFinding> findings_from(std::string_view text) {
  std::vector<KeptFinding> findings;
  for (const std::string& line : split(text, '\n')) {
    std::vector<std::string> parts = split(line, '\t');
    if (parts.size() < 2) continue;
    parts.resize(std::max<size_t>(parts.size(), 3));
    findings.push_back({parts[0], parts[1], parts[2], {parts.begin() + 3, parts.end()}});
  }
  return findings;
}

KeptFinding kept_finding(const Report& report, const Finding& finding) {
  constexpr size_t kFrames = 10;
  KeptFinding kept{finding_name(report, finding), finding_figures(report, finding), {}, {}};
  if (finding.retention) {
    for (const std::string& sentence : retention_sentences(report, finding))
      kept.why += (kept.why.empty() ? "" : " ") + sentence;
  }
  if (finding.sites.empty()) return kept;
  const Attribution& stack = report.growth.sites[static_cast<size_t>(finding.sites.front())].attribution;
  for (size_t i = stack.named; i < stack.frames.size() && kept.stack.size() < kFrames; ++i) {
    const std::string source = source_label(stack.frames[i]);
    kept.stack.push_back(function_label(stack.frames[i]) + (source.empty() ? "" : "  " + source));
  }
  return kept;
}

std::string name_of(const recording::Run& run) {
  if (run.scenario && !run.scenario->name.empty()) return run.scenario->name;
  const std::string& program =
      run.process.command_line.empty() ? run.process.executable : run.process.command_line.front();
  return program.substr(program.rfind('/') + 1);
}

HistoricRun read_row(Statement& row) {
  row.begin_row();
  HistoricRun run;
  run.name = row.text();
  run.label = row.text();
  run.start_unix_ns = row.count();
  run.pid = row.count();
  run.verdict = row.text();
  run.reason = row.text();
  run.iterations = row.count();
  run.iterations_per_second = row.optional_real();
  run.peak_rss_bytes = row.count();
  run.end_bytes = row.number();
  run.end_blocks = row.number();
  run.growth_bytes = row.real();
  run.allocations = row.real();
  run.curve = curve_from(row.text());
  run.checks = checks_from(row.text());
  run.findings = findings_from(row.text());
  return run;
}

}  // namespace

HistoricRun historic_run(const Report& report, std::string label) {
  const recording::Run& run = *report.run;
  HistoricRun result;
  result.name = name_of(run);
  result.label = std::move(label);
  result.start_unix_ns = run.process.start_unix_ns;
  result.pid = run.process.pid;
  result.verdict = to_string(report.verdict());
  if (!report.judgement.checks.empty()) result.reason = report.judgement.checks.front().text;
  const bool marked = report.timeline.clock == Clock::kIterations;
  result.iterations = marked ? report.timeline.completed : 0;
  if (marked) result.iterations_per_second = report.timeline.per_second;
  result.peak_rss_bytes = report.peak_rss_bytes;
  const auto figure = [&](recording::Cost cost) {
    return measure(run, report.timeline, report.growth, {}, cost).value.value_or(0);
  };
  result.end_bytes = static_cast<int64_t>(figure(recording::Cost::kEndBytes));
  result.end_blocks = static_cast<int64_t>(figure(recording::Cost::kEndBlocks));
  result.growth_bytes = report.growth.process.grows() ? report.growth.process.bytes_per_step : 0;
  result.allocations = figure(recording::Cost::kAllocations);
  result.curve = curve_of(report);
  for (const Check& check : report.judgement.checks)
    result.checks.push_back({std::string(word_of(check.state)), escape_line(check.text)});
  for (const Finding& finding : report.findings) {
    if (result.findings.size() == kMostFindings) break;
    result.findings.push_back(kept_finding(report, finding));
  }
  return result;
}

void History::Close::operator()(sqlite3* database) const {
  sqlite3_close(database);
}

tl::expected<History, std::string> History::open(const std::string& file, bool create) {
  History history;
  history.file_ = file;
  sqlite3* database = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
  const int opened = sqlite3_open_v2(file.c_str(), &database, flags, nullptr);
  history.database_.reset(database);
  if (opened != SQLITE_OK) {
    return Refusal(fmt::format("{}: the history cannot be opened: {}; {}", file, sqlite3_errstr(opened),
                               create ? "give another file with --db" : "record a run with --db first"));
  }
  sqlite3_busy_timeout(database, kWaitMilliseconds);
  const int64_t application = pragma(database, "PRAGMA application_id");
  const int64_t version = pragma(database, "PRAGMA user_version");
  const bool is_new =
      application == 0 && version == 0 && pragma(database, "SELECT count(*) FROM sqlite_master") == 0;
  if (!is_new && application != kApplication)
    return Refusal(fmt::format("{}: is no history of leakhunt; give another file with --db", file));
  if (!is_new && version > kVersion)
    return Refusal(fmt::format("{}: was written by a newer leakhunt; use that one", file));
  if (is_new && !create) return Refusal(fmt::format("{}: holds no runs; record one with --db first", file));
  if (!is_new && create && version < kVersion) history.add_columns();
  const bool ready =
      !is_new || (run_plainly(database, kSchema) &&
                  run_plainly(database, fmt::format("PRAGMA application_id = {}", kApplication)) &&
                  run_plainly(database, fmt::format("PRAGMA user_version = {}", kVersion)));
  if (!ready)
    return Refusal(fmt::format("{}: the history cannot be written: {}", file, sqlite3_errmsg(database)));
  return history;
}

// What version 2 has and 1 had not. Another writer may have been quicker; whether it worked shows when a run
// is added.
void History::add_columns() {
  if (!run_plainly(database_.get(),
                   fmt::format("BEGIN IMMEDIATE;"
                               "ALTER TABLE runs ADD COLUMN checks TEXT NOT NULL DEFAULT '';"
                               "ALTER TABLE runs ADD COLUMN findings TEXT NOT NULL DEFAULT '';"
                               "PRAGMA user_version = {};"
                               "COMMIT",
                               kVersion)))
    run_plainly(database_.get(), "ROLLBACK");
}

tl::expected<void, std::string> History::add(const HistoricRun& run) {
  Statement statement(database_.get(),
                      "INSERT OR REPLACE INTO runs VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  statement.bind(run.name);
  statement.bind(run.label);
  statement.bind(run.start_unix_ns);
  statement.bind(run.pid);
  statement.bind(run.verdict);
  statement.bind(run.reason);
  statement.bind(run.iterations);
  statement.bind(run.iterations_per_second);
  statement.bind(run.peak_rss_bytes);
  statement.bind(run.end_bytes);
  statement.bind(run.end_blocks);
  statement.bind(run.growth_bytes);
  statement.bind(run.allocations);
  statement.bind(curve_text(run.curve));
  statement.bind(text_of(run.checks));
  statement.bind(text_of(run.findings));
  statement.step_to_row();
  if (statement.is_done()) return {};
  return Refusal(
      fmt::format("{}: the history cannot be written: {}", file_, sqlite3_errmsg(database_.get())));
}

tl::expected<std::vector<HistoricRun>, std::string> History::runs(const std::string& name,
                                                                  uint64_t last) const {
  Statement statement(
      database_.get(),
      "SELECT * FROM runs WHERE ?1 = '' OR name = ?1 ORDER BY name, start_unix_ns DESC, pid DESC");
  statement.bind(name);
  std::vector<HistoricRun> runs;
  std::map<std::string, uint64_t> taken;
  while (statement.step_to_row()) {
    HistoricRun run = read_row(statement);
    if (last == 0 || ++taken[run.name] <= last) runs.push_back(std::move(run));
  }
  if (!statement.is_done())
    return Refusal(fmt::format("{}: the history cannot be read: {}", file_, sqlite3_errmsg(database_.get())));
  std::reverse(runs.begin(), runs.end());
  std::stable_sort(runs.begin(), runs.end(),
                   [](const HistoricRun& a, const HistoricRun& b) { return a.name < b.name; });
  return runs;
}

}  // namespace leakhunt::reports
