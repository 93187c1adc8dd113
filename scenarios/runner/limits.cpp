#include "scenarios/runner/limits.h"

#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "scenarios/runner/spelling.h"

namespace leakhunt::runner {

namespace {

using recording::Cost;
using recording::Limit;
using recording::Scope;
using recording::Suppression;

using Problem = std::optional<std::string>;  // a whole line; none: all is well

constexpr size_t kMostTables = 1000;

struct CostRule {
  std::string_view key;
  Cost cost;
  bool is_bytes;
  std::string_view example;
};
constexpr std::array<CostRule, recording::kCosts> kCostRules = {{
    {"peak", Cost::kPeakBytes, true, "\"6MB\", \"+10%\" or [\"6MB\", \"+10%\"]"},
    {"end", Cost::kEndBytes, true, "\"5MB\" or \"+0%\""},
    {"blocks", Cost::kEndBlocks, false, "120 or \"+0%\""},
    {"growth", Cost::kGrowthBytes, true, "\"0B\""},
    {"growth_blocks", Cost::kGrowthBlocks, false, "0.01"},
    {"allocations", Cost::kAllocations, false, "250 or \"+1%\""},
    {"allocations_per_second", Cost::kAllocationsPerSecond, false, "100000"},
    {"iterations_per_second", Cost::kIterationsPerSecond, false, "100 or \"-20%\""},
    {"lost", Cost::kLostBytes, true, "\"0B\""},
    {"lost_blocks", Cost::kLostBlocks, false, "0"},
}};
constexpr std::array<std::string_view, 4> kScopeKeys = {"tag", "function", "file", "thread"};

std::string at(const Layer& layer, const toml::node& node, std::string_view what, std::string_view mend) {
  return complaint_line(layer.place(node.source().begin.line), what, mend);
}

std::string* scope_field(Scope& scope, std::string_view key) {
  if (key == "tag") return &scope.tag;
  if (key == "function") return &scope.function;
  if (key == "file") return &scope.file;
  return key == "thread" ? &scope.thread : nullptr;
}

Problem read_text(const Layer& layer, std::string_view key, const toml::node& node, std::string& text) {
  const auto* value = node.as_string();
  if (value == nullptr || value->get().empty()) {
    return at(layer, node, fmt::format("{} must be a text in quotes", key),
              fmt::format("write {} = \"...\"", key));
  }
  text = value->get();
  return std::nullopt;
}

// "+10%" -> 10, "-20%" -> -20.
std::optional<double> percent_of(std::string_view text) {
  if (text.size() < 3 || text.back() != '%' || (text.front() != '+' && text.front() != '-')) return {};
  const bool negative = text.front() == '-';
  text = text.substr(1, text.size() - 2);
  double number = 0;
  const auto [rest, problem] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (problem != std::errc{} || rest != text.data() + text.size() || number > 1e6) return {};
  return negative ? -number : number;
}

// One amount: bytes, a number, or a part of what the baseline has.
Problem read_amount(const Layer& layer, const CostRule& rule, const toml::node& node, Limit& limit) {
  const bool is_floor = rule.cost == Cost::kIterationsPerSecond;
  if (const auto* text = node.as_string()) {
    if (const auto percent = percent_of(text->get())) {
      if ((*percent < 0) != is_floor && *percent != 0) {
        return at(layer, node, fmt::format("{} = \"{}\" could never be kept", rule.key, text->get()),
                  is_floor ? "a floor lies below the baseline: \"-20%\""
                           : "a limit lies above the baseline: \"+10%\"");
      }
      limit.percent = *percent;
      return std::nullopt;
    }
    const auto bytes = rule.is_bytes ? recording::parse_bytes(text->get()) : tl::unexpected(std::string());
    if (bytes) {
      limit.most = static_cast<double>(*bytes);
      return std::nullopt;
    }
  } else if (!rule.is_bytes) {
    const auto number = node.is_number() ? node.value<double>() : std::nullopt;
    if (number && *number >= 0 && *number < 1e18) {
      limit.most = *number;
      return std::nullopt;
    }
  }
  return at(layer, node,
            fmt::format("{} has a value that is no {}", rule.key,
                        rule.is_bytes ? "amount of memory" : "number, 0 or more"),
            fmt::format("write {} = {}", rule.key, rule.example));
}

Problem read_cost(const Layer& layer, const CostRule& rule, const toml::node& node,
                  std::vector<Limit>& limits) {
  const toml::array* list = node.as_array();
  const size_t count = list == nullptr ? 1 : list->size();
  if (count == 0) return at(layer, node, fmt::format("{} is an empty list", rule.key), "leave it out");
  for (size_t i = 0; i < count; ++i) {
    Limit& limit = limits.emplace_back();
    limit.cost = rule.cost;
    if (auto problem = read_amount(layer, rule, list == nullptr ? node : *list->get(i), limit))
      return problem;
  }
  return std::nullopt;
}

std::string unknown_in_table(const Layer& layer, const toml::key& key, std::string_view table,
                             std::span<const std::string_view> known) {
  std::string keys;
  for (const std::string_view each : known) keys += fmt::format("{}{}", keys.empty() ? "" : ", ", each);
  return complaint_line(
      layer.place(key.source().begin.line),
      fmt::format("[[{}]] has no key {}{}", table, key.str(), did_you_mean(std::string(key.str()), known)),
      "the keys are " + keys);
}

std::vector<std::string_view> limit_keys() {
  std::vector<std::string_view> keys(kScopeKeys.begin(), kScopeKeys.end());
  keys.insert(keys.end(), {"process", "together"});
  for (const CostRule& rule : kCostRules) keys.push_back(rule.key);
  keys.insert(keys.end(), {"optional", "owner", "reason"});
  return keys;
}

Problem read_flag(const Layer& layer, std::string_view key, const toml::node& node, bool& flag) {
  const auto* value = node.as_boolean();
  if (value == nullptr)
    return at(layer, node, fmt::format("{} must be true or false", key), fmt::format("write {} = true", key));
  flag = value->get();
  return std::nullopt;
}

Problem read_limit_key(const Layer& layer, const toml::key& key, const toml::node& node, Limit& common,
                       std::vector<Limit>& limits) {
  const std::string_view name = key.str();
  if (std::string* field = scope_field(common.scope, name)) return read_text(layer, name, node, *field);
  if (name == "owner") return read_text(layer, name, node, common.owner);
  if (name == "reason") return read_text(layer, name, node, common.reason);
  if (name == "process") return read_text(layer, name, node, common.scope.process);
  if (name == "optional") return read_flag(layer, name, node, common.optional);
  if (name == "together") return read_flag(layer, name, node, common.scope.together);
  for (const CostRule& rule : kCostRules) {
    if (rule.key == name) return read_cost(layer, rule, node, limits);
  }
  return unknown_in_table(layer, key, "limit", limit_keys());
}

Problem read_limit(const Layer& layer, const toml::table& table, recording::Budget& budget) {
  Limit common;
  std::vector<Limit> limits;
  for (const auto& [key, node] : table) {
    if (auto problem = read_limit_key(layer, key, node, common, limits)) return problem;
  }
  if (limits.empty()) {
    return at(layer, table, "a limit that limits nothing",
              "add one of peak, end, blocks, growth, growth_blocks, allocations, allocations_per_second, "
              "iterations_per_second");
  }
  if (common.scope.together && common.scope.process.empty()) {
    return at(layer, table, "together adds up processes, and none is named",
              "add process = \"*\" for all processes of the run");
  }
  if (common.scope.process.find('/') != std::string::npos) {
    return at(layer, table, fmt::format("process \"{}\" could never match", common.scope.process),
              "give the last part of the program's path");
  }
  for (Limit& limit : limits) {
    if (limit.cost == Cost::kIterationsPerSecond && !common.scope.is_process()) {
      return at(layer, table,
                fmt::format("{} makes no iterations, the process does", to_string(common.scope)),
                "put iterations_per_second into a [[limit]] of its own");
    }
    limit.scope = common.scope;
    limit.optional = common.optional;
    limit.owner = common.owner;
    limit.reason = common.reason;
    budget.limits.push_back(std::move(limit));
  }
  return std::nullopt;
}

Problem read_date(const Layer& layer, const toml::node& node, uint64_t& days) {
  const auto* date = node.as_date();
  if (date == nullptr) {
    return at(layer, node, "expires must be a date", "write expires = 2026-12-31, without quotes");
  }
  const toml::date& value = date->get();
  const std::chrono::year_month_day day{std::chrono::year(value.year), std::chrono::month(value.month),
                                        std::chrono::day(value.day)};
  const auto since = std::chrono::sys_days(day).time_since_epoch().count();
  if (since < 0) return at(layer, node, "expires lies before 1970", "give a day that is still to come");
  days = static_cast<uint64_t>(since);
  return std::nullopt;
}

Problem read_suppression(const Layer& layer, const toml::table& table, recording::Budget& budget) {
  constexpr std::array<std::string_view, 7> kKeys = {"tag",     "function", "file",  "thread",
                                                     "expires", "owner",    "reason"};
  Suppression suppression;
  for (const auto& [key, node] : table) {
    const std::string_view name = key.str();
    Problem problem;
    if (std::string* field = scope_field(suppression.scope, name)) {
      problem = read_text(layer, name, node, *field);
    } else if (name == "owner") {
      problem = read_text(layer, name, node, suppression.owner);
    } else if (name == "reason") {
      problem = read_text(layer, name, node, suppression.reason);
    } else if (name == "expires") {
      problem = read_date(layer, node, suppression.expires);
    } else {
      problem = unknown_in_table(layer, key, "suppress", kKeys);
    }
    if (problem) return problem;
  }
  if (suppression.scope.is_process())
    return at(layer, table, "a suppression of everything", "name a tag, function, file or thread");
  if (suppression.reason.empty())
    return at(layer, table, "a suppression without a reason", "add reason = \"...\"");
  if (!table.contains("expires"))
    return at(layer, table, "a suppression for ever",
              "add expires = 2026-12-31, the last day on which it counts");
  budget.suppressions.push_back(std::move(suppression));
  return std::nullopt;
}

using ReadTable = Problem (*)(const Layer&, const toml::table&, recording::Budget&);

tl::expected<void, std::string> read_tables(std::string_view name, const toml::node& node, const Layer& layer,
                                            recording::Budget& budget, ReadTable read) {
  const toml::array* list = node.as_array();
  if (list == nullptr || list->size() > kMostTables) {
    return tl::unexpected(at(layer, node,
                             fmt::format("{} is no list of at most {} tables", name, kMostTables),
                             fmt::format("write [[{}]] above its keys", name)));
  }
  for (const toml::node& element : *list) {
    const toml::table* table = element.as_table();
    if (table == nullptr) {
      return tl::unexpected(at(layer, element, fmt::format("{} holds something that is no table", name),
                               fmt::format("write [[{}]] above its keys", name)));
    }
    if (auto problem = read(layer, *table, budget)) return tl::unexpected(*problem);
  }
  return {};
}

}  // namespace

tl::expected<void, std::string> read_limits(const toml::node& node, const Layer& layer,
                                            recording::Budget& budget) {
  auto read = read_tables("limit", node, layer, budget, read_limit);
  if (read) recording::name_limits(budget.limits);
  return read;
}

tl::expected<void, std::string> read_suppressions(const toml::node& node, const Layer& layer,
                                                  recording::Budget& budget) {
  return read_tables("suppress", node, layer, budget, read_suppression);
}

}  // namespace leakhunt::runner
