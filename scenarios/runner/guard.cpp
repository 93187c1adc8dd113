#include "scenarios/runner/guard.h"

#include <string.h>

#include <fmt/format.h>

#include "scenarios/runner/quantities.h"

namespace leakhunt::runner {

int Guard::stop(std::string reason, std::chrono::nanoseconds now) {
  stopped_for_ = std::move(reason);
  asked_at_ = now;
  return SIGTERM;
}

int Guard::look(const Sight& sight) {
  const auto now = sight.since_start;
  const bool outlived =
      limits_.target_has_terminal && interrupted_by_key_ && now - interrupted_at_ > kOutlived;
  if (outlived && !asked_at_) {
    interrupted_by_ = 0;
    interrupted_by_key_ = false;
    stopped_for_.clear();
  }
  const uint64_t ceiling = limits_.ceiling_bytes.value_or(UINT64_MAX);
  if (asked_at_) {
    const bool far_above = limits_.ceiling_bytes && sight.rss_bytes > ceiling + ceiling / 4;
    if (killed_ || (now - *asked_at_ < patience_ && !far_above)) return 0;
    killed_ = true;
    return SIGKILL;
  }
  if (sight.rss_bytes > ceiling) {
    return stop(fmt::format("its resident memory of {} passed the budget of {} after {}, at iteration {}",
                            human_bytes(sight.rss_bytes), human_bytes(ceiling), human_duration(now),
                            sight.iterations),
                now);
  }
  if (limits_.timeout && now > *limits_.timeout) {
    return stop(fmt::format("it ran longer than its timeout of {}, to iteration {}",
                            human_duration(*limits_.timeout), sight.iterations),
                now);
  }
  return 0;
}

int Guard::end_politely(std::string reason, std::chrono::nanoseconds since_start) {
  if (asked_at_) return 0;
  patience_ = kPolitePatience;
  return stop(std::move(reason), since_start);
}

int Guard::take(const CaughtSignal& caught, std::chrono::nanoseconds since_start) {
  const bool is_key_for_target = caught.from_terminal && limits_.target_has_terminal;
  const bool is_repeated = interrupted_by_ != 0 && !is_key_for_target;
  interrupted_by_ = caught.number;
  interrupted_by_key_ = caught.from_terminal;
  interrupted_at_ = since_start;
  if (!asked_at_) {
    stopped_for_ = fmt::format("interrupted by SIG{} after {}", sigabbrev_np(caught.number),
                               human_duration(since_start));
  }
  if (is_repeated) return SIGKILL;
  return caught.from_terminal ? 0 : caught.number;
}

}  // namespace leakhunt::runner
