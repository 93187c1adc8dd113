#include "reports/analysis/site_matching.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include <unordered_map>

#include <fmt/format.h>

#include "reports/analysis/stable_names.h"

namespace leakhunt::reports {

namespace {

constexpr size_t kMostAligned = 400'000;  // steps for one group; larger ones are matched by order alone
constexpr size_t kMostCompared = 250'000;
constexpr double kAlikeEnough = 0.5;

// Numbers for texts, so that a stack is a short list of them.
class Numbers {
 public:
  uint32_t of(std::string text) {
    return known_.try_emplace(std::move(text), static_cast<uint32_t>(known_.size())).first->second;
  }

 private:
  std::unordered_map<std::string, uint32_t> known_;
};

using Key = std::vector<uint32_t>;
using Lines = std::vector<uint64_t>;  // of each frame; of code without symbols the offset

// One site as the roads see it.
struct Candidate {
  size_t index = 0;  // in its list
  Key same;          // tag and kind, then each frame with its line
  Key stable;
  Key loose;
  Lines lines;
  bool taken = false;
};

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

bool is_unnamed(const StackFrame& frame) {
  return frame.function.empty();
}

// Code made at run time lies elsewhere each time.
std::string unnamed_text(const StackFrame& frame, bool with_offset) {
  const std::string module(base_name(frame.module));
  const bool placed = with_offset && frame.module != recording::kAnonymousCode;
  return placed ? fmt::format("{}+{:x}", module, frame.offset) : module;
}

class Describer {
 public:
  Candidate describe(const SiteIdentity& site, size_t index) {
    Candidate candidate;
    candidate.index = index;
    const uint32_t head = numbers_.of(fmt::format("{}\n{}", static_cast<int>(site.kind), site.tag));
    for (Key* key : {&candidate.same, &candidate.stable, &candidate.loose}) key->push_back(head);
    for (const StackFrame& frame : site.frames) {
      const Names& names = names_of(frame);
      candidate.lines.push_back(is_unnamed(frame) ? frame.offset : frame.line);
      candidate.stable.push_back(names.stable);
      candidate.loose.push_back(names.loose);
      candidate.same.push_back(names.stable);
      candidate.same.push_back(frame.line);
    }
    return candidate;
  }

 private:
  struct Names {
    uint32_t stable = 0;
    uint32_t loose = 0;
  };

  // The same few functions make up most stacks.
  const Names& names_of(const StackFrame& frame) {
    std::string text = is_unnamed(frame) ? "\n" + unnamed_text(frame, true)
                                         : frame.function + '\n' + std::string(base_name(frame.file));
    const auto [found, added] = names_.try_emplace(std::move(text));
    if (!added) return found->second;
    if (is_unnamed(frame)) {
      found->second = {numbers_.of(found->first), numbers_.of("\n" + unnamed_text(frame, false))};
    } else {
      const std::string stable = stable_name(frame.function);
      found->second.stable = numbers_.of(stable + '\n' + std::string(base_name(frame.file)));
      found->second.loose = numbers_.of(loose_name(stable));
    }
    return found->second;
  }

  Numbers numbers_;
  std::unordered_map<std::string, Names> names_;
};

// --- several candidates --------------------------------------------------------------------------

// How far a line (an offset) moved.
int64_t moved(uint64_t from, uint64_t to) {
  return static_cast<int64_t>(to - from);
}

// How differently two neighbours moved: 0 if all between them was left alone.
uint64_t unevenness(const Lines& from, const Lines& to, const Lines& from_next, const Lines& to_next) {
  uint64_t sum = 0;
  for (size_t i = 0; i < from.size(); ++i) {
    const int64_t difference = moved(from_next[i], to_next[i]) - moved(from[i], to[i]);
    sum += static_cast<uint64_t>(std::min<int64_t>(std::llabs(difference), 1'000'000));
  }
  return sum;
}

using Group = std::vector<Candidate*>;

// For each of `few`, in order, which one of `many`: all of `few` have a partner, none overtakes another, and
// they have moved as evenly as can be. Dynamic programming: best[j] is the least cost when the last one so
// far is matched with many[j].
std::vector<size_t> most_even(const Group& few, const Group& many) {
  constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();
  const Lines nowhere(few.front()->lines.size(), 0);
  std::vector<uint64_t> best(many.size());
  for (size_t j = 0; j < many.size(); ++j)
    best[j] = unevenness(nowhere, nowhere, few[0]->lines, many[j]->lines);
  std::vector<std::vector<size_t>> came_from(few.size(), std::vector<size_t>(many.size(), 0));
  for (size_t i = 1; i < few.size(); ++i) {
    std::vector<uint64_t> next(many.size(), kNever);
    for (size_t j = i; j < many.size(); ++j) {
      for (size_t before = i - 1; before < j; ++before) {
        if (best[before] == kNever) continue;
        const uint64_t cost =
            best[before] + unevenness(few[i - 1]->lines, many[before]->lines, few[i]->lines, many[j]->lines);
        if (cost < next[j]) {
          next[j] = cost;
          came_from[i][j] = before;
        }
      }
    }
    best = std::move(next);
  }
  std::vector<size_t> partners(few.size());
  partners.back() = static_cast<size_t>(std::min_element(best.begin(), best.end()) - best.begin());
  for (size_t i = few.size() - 1; i > 0; --i) partners[i - 1] = came_from[i][partners[i]];
  return partners;
}

std::vector<size_t> partners_in_order(const Group& few, const Group& many) {
  const size_t steps = few.size() * many.size() * many.size() * few.front()->lines.size();
  if (few.size() < many.size() && steps <= kMostAligned) return most_even(few, many);
  std::vector<size_t> partners(few.size());
  for (size_t i = 0; i < partners.size(); ++i) partners[i] = i;
  return partners;
}

// --- the roads -----------------------------------------------------------------------------------

class Matching {
 public:
  Matching(std::span<const SiteIdentity> before, std::span<const SiteIdentity> after) {
    Describer describer;
    for (size_t i = 0; i < before.size(); ++i) before_.push_back(describer.describe(before[i], i));
    for (size_t i = 0; i < after.size(); ++i) after_.push_back(describer.describe(after[i], i));
    partners_.resize(before.size());
  }

  std::vector<SiteMatch> match() {
    match_groups(&Candidate::stable, MatchedBy::kMoved);
    match_groups(&Candidate::loose, MatchedBy::kAlike);
    match_alike();
    return result();
  }

 private:
  struct Groups {
    Group before;
    Group after;
  };

  template <typename KeyOf>
  std::map<Key, Groups> groups_by(KeyOf key_of) {
    std::map<Key, Groups> groups;
    for (Candidate& candidate : before_) {
      if (!candidate.taken) groups[key_of(candidate)].before.push_back(&candidate);
    }
    for (Candidate& candidate : after_) {
      if (!candidate.taken) groups[key_of(candidate)].after.push_back(&candidate);
    }
    std::erase_if(groups,
                  [](const auto& each) { return each.second.before.empty() || each.second.after.empty(); });
    return groups;
  }

  void match_groups(Key Candidate::*key, MatchedBy by) {
    auto groups = groups_by([key](const Candidate& each) { return each.*key; });
    for (auto& [same_key, group] : groups) {
      const auto by_lines = [](const Candidate* a, const Candidate* b) { return a->lines < b->lines; };
      std::stable_sort(group.before.begin(), group.before.end(), by_lines);
      std::stable_sort(group.after.begin(), group.after.end(), by_lines);
      const bool fewer_before = group.before.size() <= group.after.size();
      const Group& few = fewer_before ? group.before : group.after;
      const Group& many = fewer_before ? group.after : group.before;
      const std::vector<size_t> partners = partners_in_order(few, many);
      for (size_t i = 0; i < few.size(); ++i) {
        Candidate* other = many[partners[i]];
        pair(fewer_before ? *few[i] : *other, fewer_before ? *other : *few[i], by);
      }
    }
  }

  // The same function answers: the more of the stack is the same, the earlier it is matched.
  void match_alike() {
    const auto place = [](const Candidate& each) {
      return Key(each.loose.begin(), each.loose.begin() + std::min<ptrdiff_t>(2, std::ssize(each.loose)));
    };
    for (auto& [key, group] : groups_by(place)) {
      if (key.size() < 2 || group.before.size() * group.after.size() > kMostCompared) continue;
      struct Pair {
        double likeness;
        Candidate* before;
        Candidate* after;
      };
      std::vector<Pair> pairs;
      for (Candidate* before : group.before) {
        for (Candidate* after : group.after) {
          const double alike = likeness(before->loose, after->loose);
          if (alike >= kAlikeEnough) pairs.push_back({alike, before, after});
        }
      }
      std::stable_sort(pairs.begin(), pairs.end(),
                       [](const Pair& a, const Pair& b) { return a.likeness > b.likeness; });
      for (const Pair& each : pairs) {
        if (!each.before->taken && !each.after->taken) pair(*each.before, *each.after, MatchedBy::kAlike);
      }
    }
  }

  // The part of the longer stack that is the same from its inner end and from its outer end.
  static double likeness(const Key& a, const Key& b) {
    const size_t shorter = std::min(a.size(), b.size());
    const auto inner = std::mismatch(a.begin(), a.begin() + static_cast<ptrdiff_t>(shorter), b.begin());
    const auto from_inside = static_cast<size_t>(inner.first - a.begin());
    size_t from_outside = 0;
    while (from_outside < shorter - from_inside && *(a.rbegin() + static_cast<ptrdiff_t>(from_outside)) ==
                                                       *(b.rbegin() + static_cast<ptrdiff_t>(from_outside)))
      ++from_outside;
    const size_t longer = std::max(a.size(), b.size());  // the first number is tag and kind
    return static_cast<double>(from_inside - 1 + from_outside) / static_cast<double>(longer - 1);
  }

  void pair(Candidate& before, Candidate& after, MatchedBy by) {
    before.taken = after.taken = true;
    partners_[before.index] = {before.index, after.index, before.same == after.same ? MatchedBy::kSame : by};
  }

  std::vector<SiteMatch> result() {
    std::vector<SiteMatch> matches = std::move(partners_);
    for (size_t i = 0; i < matches.size(); ++i) matches[i].before = i;
    for (const Candidate& candidate : after_) {
      if (!candidate.taken) matches.push_back({std::nullopt, candidate.index});
    }
    return matches;
  }

  std::vector<Candidate> before_;
  std::vector<Candidate> after_;
  std::vector<SiteMatch> partners_;
};

}  // namespace

std::string_view to_string(MatchedBy by) {
  switch (by) {
    case MatchedBy::kSame:
      return "same";
    case MatchedBy::kMoved:
      return "moved";
    case MatchedBy::kAlike:
      return "alike";
  }
  return "same";
}

std::vector<SiteIdentity> identities_of(const recording::Run& run, const GrowthMap& growth) {
  std::vector<SiteIdentity> identities;
  std::map<Key, size_t> known;
  Describer describer;
  for (size_t i = 0; i < run.sites.size(); ++i) {
    const recording::CallSite& site = run.sites[i];
    if (site.series.empty()) continue;
    const Attribution& attribution = growth.sites[i].attribution;
    const size_t inner = attribution.frames.empty() ? 0 : attribution.named;
    const auto tag = static_cast<size_t>(site.tag);
    SiteIdentity identity{tag < run.tags.size() ? run.tags[tag].name : "?",
                          site.kind,
                          attribution.frames.span().subspan(inner),
                          {}};
    const auto [found, added] = known.try_emplace(describer.describe(identity, i).same, identities.size());
    if (added) identities.push_back(std::move(identity));
    identities[found->second].sites.push_back(static_cast<recording::SiteId>(i));
  }
  return identities;
}

std::vector<SiteMatch> match_sites(std::span<const SiteIdentity> before,
                                   std::span<const SiteIdentity> after) {
  return Matching(before, after).match();
}

}  // namespace leakhunt::reports
