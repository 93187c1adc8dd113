#include "scenarios/runner/borrowed_thread.h"

#include <sys/syscall.h>

#include <algorithm>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "scenarios/runner/process_image.h"
#include "scenarios/runner/remote_call.h"
#include "scenarios/runner/safe_moment.h"
#include "scenarios/runner/stopped_thread.h"

namespace leakhunt::runner {

namespace {

using std::chrono::steady_clock;

constexpr auto kStop = std::chrono::milliseconds(200);

// Who is disturbed least: a thread that waits and will wait on as if nothing had been; one that runs; one
// whose waiting begins anew.
int disturbance(const ThreadState& state) {
  const bool is_epoll = state.system_call == SYS_epoll_wait || state.system_call == SYS_epoll_pwait;
  const bool has_no_end = is_epoll && static_cast<int>(state.fourth_argument) < 0;
  if (!state.is_running && (only_waits(state.system_call) || has_no_end)) return 0;
  if (state.is_running) return 1;
  return is_epoll ? 2 : 3;
}

std::vector<pid_t> by_disturbance(pid_t pid, std::minstd_rand& random) {
  std::vector<pid_t> threads = threads_of(pid);
  std::shuffle(threads.begin(), threads.end(), random);
  std::vector<std::pair<int, pid_t>> ranked;
  ranked.reserve(threads.size());
  for (const pid_t thread : threads) ranked.emplace_back(disturbance(state_of_thread(pid, thread)), thread);
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  threads.clear();
  for (const auto& [rank, thread] : ranked) {
    if (rank < 3 || rank == ranked.front().first) threads.push_back(thread);
  }
  return threads;
}

}  // namespace

tl::expected<int64_t, std::string> call_in_process(pid_t pid, const std::filesystem::path& library,
                                                   const std::string& function,
                                                   const recording::AttachCall& argument,
                                                   std::chrono::milliseconds patience) {
  const auto until = steady_clock::now() + patience;
  std::minstd_rand random(static_cast<unsigned>(pid));
  std::string last = "it has no thread";
  while (steady_clock::now() < until) {
    const auto image = ProcessImage::of(pid);  // anew: modules come and go
    if (!image) return tl::unexpected(image.error());
    const auto code = RemoteCode::of(pid, *image);
    if (!code) return tl::unexpected(code.error());
    for (int round = 0; round < 50 && steady_clock::now() < until; ++round) {
      for (const pid_t thread : by_disturbance(pid, random)) {
        auto held = StoppedThread::stop(thread, kStop);
        if (!held) {
          last = fmt::format("its thread {} cannot be stopped: {}", thread, held.error());
          continue;
        }
        std::string why = why_not_now(image->stack_of(thread, held->registers()));
        if (why.empty() && held->is_in_restartable_sequence()) why = "in a restartable sequence";
        if (why.empty()) return call_remotely(*held, pid, *code, library, function, argument);
        last = fmt::format("its thread {} was {}", thread, why);
      }
      std::this_thread::sleep_for(std::chrono::microseconds(200 + random() % 3000));
    }
  }
  return tl::unexpected(
      fmt::format("no thread of it came to a place where it could be borrowed, in {:.0f} s; at last "
                  "{}",
                  std::chrono::duration<double>(patience).count(), last));
}

}  // namespace leakhunt::runner
