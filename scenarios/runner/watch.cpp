#include "scenarios/runner/watch.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "scenarios/runner/iteration_view.h"
#include "scenarios/runner/memory_left.h"
#include "scenarios/runner/process_memory.h"
#include "scenarios/runner/samples.h"

namespace leakhunt::runner {

namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr auto kLook = std::chrono::milliseconds(20);       // between two looks at the ceiling
constexpr auto kPeakLook = std::chrono::milliseconds(100);  // and at the kernel's maximum, which costs more
constexpr auto kJudgement = std::chrono::milliseconds(100);
constexpr auto kFirstProgress = std::chrono::milliseconds(300);

uint64_t nanoseconds_of(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_usec) * 1000;
}

class Watch {
 public:
  Watch(const Target& target, const WatchRequest& request, SignalWatch& signals, Progress& progress)
      : target_(target),
        request_(request),
        signals_(signals),
        progress_(progress),
        guard_(request.limits),
        view_(request.recording.string(), request.warm_up) {}

  Watched until_end() {
    while (!has_ended()) {
      look_at_memory();
      if (is_above_ceiling()) view_.refresh();  // for the reason that the guard gives
      send(guard_.look({elapsed(), rss_bytes_, view_.iterations()}));
      if (elapsed() >= next_progress_) show_progress();
      if (request_.judge && elapsed() >= next_judgement_) ask_judge();
      if (const auto caught = signals_.wait(kLook)) send(guard_.take(*caught, elapsed()));
    }
    view_.refresh();
    progress_.finish(moment());
    result_.outcome.stopped_for = guard_.stopped_for();
    result_.samples = samples_.all();
    result_.interrupted_by = guard_.interrupted_by();
    return std::move(result_);
  }

 private:
  nanoseconds elapsed() const { return steady_clock::now() - target_.started; }

  bool is_above_ceiling() const {
    return request_.limits.ceiling_bytes && rss_bytes_ > *request_.limits.ceiling_bytes;
  }

  void send(int signal) {
    if (signal != 0) kill(target_.pid, signal);  // not reaped yet: the number is still its own
  }

  bool has_ended() {
    int status = 0;
    rusage usage{};
    const pid_t ended = wait4(target_.pid, &status, WNOHANG, &usage);
    if (ended == 0 || (ended < 0 && errno == EINTR)) return false;
    recording::Outcome& outcome = result_.outcome;
    outcome.wall_ns = static_cast<uint64_t>(elapsed().count());
    if (ended == target_.pid) {
      outcome.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
      outcome.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
      take_kernels_peak(static_cast<uint64_t>(usage.ru_maxrss) * 1024);
      result_.use = {nanoseconds_of(usage.ru_utime) + nanoseconds_of(usage.ru_stime),
                     static_cast<uint64_t>(usage.ru_nvcsw), static_cast<uint64_t>(usage.ru_nivcsw)};
    }
    outcome.peak_rss_bytes = peak_bytes_;
    return true;
  }

  // The kernel's maximum counts our own memory as well, which the child had before exec: it says something
  // about the target only when it is more than we ever had.
  void take_kernels_peak(uint64_t bytes) {
    if (bytes > target_.inherited_peak_bytes) peak_bytes_ = std::max(peak_bytes_, bytes);
  }

  void look_at_memory() {
    const nanoseconds now = elapsed();
    const auto resident = resident_bytes(target_.pid);
    if (!resident) return;
    rss_bytes_ = *resident;
    samples_.add(static_cast<uint64_t>(now.count()), rss_bytes_);
    peak_bytes_ = std::max(peak_bytes_, rss_bytes_);
    if (now < next_peak_) return;
    next_peak_ = now + kPeakLook;
    peak_bytes_ = std::max(peak_bytes_, peak_resident_bytes(target_.pid).value_or(0));
  }

  // Reading and judging may take a while in a long run: they get a twentieth of the time.
  void ask_judge() {
    const nanoseconds begin = elapsed();
    view_.refresh();
    if (!result_.certainty && guard_.stopped_for().empty()) {
      result_.certainty = request_.judge(view_.run());
      if (result_.certainty) send(guard_.end_politely(reason(*result_.certainty), elapsed()));
    }
    next_judgement_ = elapsed() + std::max<nanoseconds>(kJudgement, 20 * (elapsed() - begin));
  }

  static std::string reason(const recording::Certainty& certainty) {
    return fmt::format("its verdict is certain at {:g} %, at iteration {} of {}", 100 * certainty.confidence,
                       certainty.iteration, certainty.planned);
  }

  // What was recorded takes more room in memory than in the file.
  bool has_room_for_view() {
    constexpr uint64_t kTimesTheFile = 16;
    constexpr uint64_t kBesides = 64 << 20;
    std::error_code error;
    const uint64_t bytes = std::filesystem::file_size(request_.recording, error);
    return error || !memory_left_.is_less_than(kBesides + kTimesTheFile * bytes);
  }

  void show_progress() {
    if (has_room_for_view()) view_.refresh();
    progress_.show(moment());
    next_progress_ = elapsed() + progress_.interval();
  }

  Moment moment() const {
    return {.name = request_.name,
            .iterations = view_.iterations(),
            .total = request_.iterations,
            .iterations_per_second = view_.per_second(),
            .rss_bytes = rss_bytes_,
            .budget_bytes = request_.limits.ceiling_bytes,
            .growth = view_.growth(),
            .elapsed = elapsed()};
  }

  const Target& target_;
  const WatchRequest& request_;
  SignalWatch& signals_;
  Progress& progress_;
  Guard guard_;
  IterationView view_;
  MemoryLeft memory_left_;
  Samples samples_;
  Watched result_;
  uint64_t rss_bytes_ = 0;
  uint64_t peak_bytes_ = 0;
  nanoseconds next_peak_{};
  nanoseconds next_progress_ = kFirstProgress;
  nanoseconds next_judgement_ = kJudgement;
};

}  // namespace

Watched watch(const Target& target, const WatchRequest& request, SignalWatch& signals, Progress& progress) {
  return Watch(target, request, signals, progress).until_end();
}

}  // namespace leakhunt::runner
