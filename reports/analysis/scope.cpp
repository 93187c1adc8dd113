#include "reports/analysis/scope.h"

#include <algorithm>

namespace leakhunt::reports {

namespace {

using recording::CallSite;
using recording::Run;
using recording::Scope;
using recording::SiteId;
using recording::SiteKind;

size_t index(auto id) {
  return static_cast<size_t>(id);
}

// Greedy with one way back, to the last star: O(pattern x text).
bool matches_whole(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;
  size_t resumed = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resumed = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resumed;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool frame_matches(const StackFrame& frame, const Scope& scope) {
  if (!scope.function.empty() && !matches_name(scope.function, qualified_name(frame.function), "::"))
    return false;
  return scope.file.empty() || matches_name(scope.file, frame.file, "/");
}

bool thread_matches(const Run& run, const CallSite& site, const Scope& scope) {
  if (!site.thread) return false;
  const auto thread = run.threads.find(*site.thread);
  return thread != run.threads.end() && matches_whole(scope.thread, thread->second.name);
}

bool counts(const GrowthMap& growth, const CallSite& site, const Scope& scope) {
  if (scope.is_process()) return site.kind == SiteKind::kBlock;
  const bool nested = index(site.tag) < growth.tags.size() && growth.tags[index(site.tag)].nested;
  return (site.kind == SiteKind::kNested) == nested;
}

}  // namespace

bool matches_name(std::string_view pattern, std::string_view text, std::string_view separator) {
  if (matches_whole(pattern, text)) return true;
  for (size_t at = text.find(separator); at != std::string_view::npos; at = text.find(separator, at + 1)) {
    if (matches_whole(pattern, text.substr(at + separator.size()))) return true;
  }
  return false;
}

bool is_in_scope(const Run& run, const GrowthMap& growth, SiteId id, const Scope& scope) {
  const CallSite& site = run.sites[index(id)];
  const bool has_tag = index(site.tag) < run.tags.size();
  if (!scope.tag.empty() && !(has_tag && matches_whole(scope.tag, run.tags[index(site.tag)].name)))
    return false;
  if (!scope.thread.empty() && !thread_matches(run, site, scope)) return false;
  if (scope.function.empty() && scope.file.empty()) return true;
  const auto& frames = growth.sites[index(id)].attribution.frames;
  return std::any_of(frames.begin(), frames.end(),
                     [&](const StackFrame& frame) { return frame_matches(frame, scope); });
}

std::vector<SiteId> sites_in_scope(const Run& run, const GrowthMap& growth, const Scope& scope) {
  std::vector<SiteId> sites;
  for (size_t i = 0; i < run.sites.size(); ++i) {
    const SiteId id{static_cast<uint32_t>(i)};
    if (counts(growth, run.sites[i], scope) && is_in_scope(run, growth, id, scope)) sites.push_back(id);
  }
  return sites;
}

}  // namespace leakhunt::reports
