// The record of a budget's limits and suppressions: see host_codec.h.
#include "lib/recording/host_fields.h"

namespace leakhunt::recording {

namespace {

void put_scope(Encoder& out, const Scope& scope) {
  put_string(out, scope.tag);
  put_string(out, scope.function);
  put_string(out, scope.file);
  put_string(out, scope.thread);
}

Scope get_scope(Decoder& in) {
  Scope scope;
  scope.tag = get_string(in);
  scope.function = get_string(in);
  scope.file = get_string(in);
  scope.thread = get_string(in);
  return scope;
}

void put_limit(Encoder& out, const Limit& limit) {
  put_scope(out, limit.scope);
  put_varint(out, static_cast<uint64_t>(limit.cost));
  put_double(out, limit.most);
  put_optional(out, limit.percent);
  put_optional(out, limit.baseline);
  put_varint(out, limit.optional ? 1 : 0);
  put_string(out, limit.owner);
  put_string(out, limit.reason);
}

Limit get_limit(Decoder& in) {
  Limit limit;
  limit.scope = get_scope(in);
  const uint64_t cost = get_varint(in);
  if (cost >= kCosts) in.failed = true;
  if (!in.failed) limit.cost = static_cast<Cost>(cost);
  limit.most = get_double(in);
  if (get_presence(in)) limit.percent = get_double(in);
  if (get_presence(in)) limit.baseline = get_double(in);
  limit.optional = get_presence(in);
  limit.owner = get_string(in);
  limit.reason = get_string(in);
  return limit;
}

// Behind all else, since older recordings end there: which limits are of other processes.
void put_processes(Encoder& out, const std::vector<Limit>& limits) {
  for (size_t i = 0; i < limits.size(); ++i) {
    const Scope& scope = limits[i].scope;
    if (scope.process.empty()) continue;
    put_varint(out, i);
    put_string(out, scope.process);
    put_varint(out, scope.together ? 1 : 0);
  }
}

void get_processes(Decoder& in, std::vector<Limit>& limits) {
  while (!in.failed && in.cursor < in.end) {
    const uint64_t number = get_varint(in);
    std::string process = get_string(in);
    const bool together = get_presence(in);
    if (number >= limits.size() || process.empty()) in.failed = true;
    if (in.failed) return;
    limits[number].scope.process = std::move(process);
    limits[number].scope.together = together;
  }
}

constexpr size_t kLeastLimit = 18;  // bytes of the shortest
constexpr size_t kLeastSuppression = 7;

}  // namespace

Payload encode_limits(const Budget& budget) {
  return encoded(512, [&](Encoder& out) {
    put_varint(out, budget.limits.size());
    for (const Limit& limit : budget.limits) put_limit(out, limit);
    put_varint(out, budget.suppressions.size());
    for (const Suppression& suppression : budget.suppressions) {
      put_scope(out, suppression.scope);
      put_varint(out, suppression.expires);
      put_string(out, suppression.owner);
      put_string(out, suppression.reason);
    }
    put_string(out, budget.build);
    put_varint(out, budget.positive_control ? 1 : 0);
    put_processes(out, budget.limits);
  });
}

bool decode_limits(Decoder& in, Budget* budget) {
  budget->limits.clear();
  budget->suppressions.clear();
  for (uint64_t left = get_count(in, kLeastLimit); left > 0 && !in.failed; --left)
    budget->limits.push_back(get_limit(in));
  for (uint64_t left = get_count(in, kLeastSuppression); left > 0 && !in.failed; --left) {
    Suppression suppression;
    suppression.scope = get_scope(in);
    suppression.expires = get_varint(in);
    suppression.owner = get_string(in);
    suppression.reason = get_string(in);
    budget->suppressions.push_back(std::move(suppression));
  }
  budget->build = get_string(in);
  budget->positive_control = get_presence(in);
  get_processes(in, budget->limits);
  name_limits(budget->limits);
  return !in.failed;
}

}  // namespace leakhunt::recording
