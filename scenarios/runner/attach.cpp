#include "scenarios/runner/attach.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <thread>

#include <fmt/format.h>

#include "lib/recording/appender.h"
#include "lib/recording/reader.h"
#include "scenarios/runner/borrowed_thread.h"
#include "scenarios/runner/data_names.h"
#include "scenarios/runner/process_memory.h"
#include "scenarios/runner/samples.h"
#include "scenarios/runner/signal_watch.h"
#include "scenarios/runner/symbolise.h"

namespace leakhunt::runner {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Refusal = tl::unexpected<std::string>;

constexpr uint64_t kMaxFrames = 128;
constexpr milliseconds kPatience(10'000);
constexpr milliseconds kLook(20);
constexpr milliseconds kLookAtProgram(1'000);
constexpr milliseconds kLastWait(3'000);  // for the tracker to notice that we let go

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  int number() const { return number_; }
  void release() { close(std::exchange(number_, -1)); }

 private:
  int number_;
};

// One at a time: a name that lives as long as its socket.
tl::expected<Descriptor, std::string> take_turn(pid_t pid) {
  Descriptor turn(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const std::string text = fmt::format("leakhunt-attach-{}", pid);
  std::memcpy(&name.sun_path[1], text.data(), text.size());  // a leading 0: in no directory
  const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
  if (bind(turn.number(), reinterpret_cast<const sockaddr*>(&name), bytes) != 0)
    return Refusal(fmt::format("the process {} is being attached to by another leakhunt", pid));
  return turn;
}

// The file as the program will find it: its own to write, and locked as long as we live.
tl::expected<Descriptor, std::string> prepare_recording(const AttachOrder& order, const std::string& path) {
  const auto created = recording::create_recording(path, nullptr, order.budget);
  if (!created) return Refusal(created.error().message);
  Descriptor file(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (file.number() < 0 || flock(file.number(), LOCK_EX | LOCK_NB) != 0)
    return Refusal(fmt::format("{}: cannot be locked: {}", path, std::strerror(errno)));
  if (geteuid() == 0 && fchown(file.number(), order.process.user, order.process.group) != 0)
    return Refusal(fmt::format("{}: cannot be given to the program's user: {}", path, std::strerror(errno)));
  return file;
}

tl::expected<recording::AttachCall, std::string> make_call(const AttachOrder& order,
                                                           const std::string& path) {
  recording::AttachCall call{};
  call.version = recording::kAttachVersion;
  call.is_wanted = 1;
  call.interval_ms = static_cast<uint64_t>(order.interval.count());
  call.max_frames = kMaxFrames;
  if (path.size() >= sizeof call.recording) return Refusal(fmt::format("{}: the path is too long", path));
  std::memcpy(call.recording, path.data(), path.size());
  std::memcpy(call.unwinder, order.stacks.data(), std::min(order.stacks.size(), sizeof call.unwinder - 1));
  std::memcpy(call.graph, order.graph.data(), std::min(order.graph.size(), sizeof call.graph - 1));
  return call;
}

std::string refusal_text(const AttachOrder& order, const std::string& path, int64_t result) {
  const std::string who = fmt::format("the process {}", order.process.pid);
  if (result > 0) {
    return fmt::format(
        "{} cannot write {}: {}; choose with --out a directory that its user may enter and write", who, path,
        std::strerror(static_cast<int>(result)));
  }
  switch (result) {
    case recording::kAttachIsRecorded:
      return who + " is recorded already";
    case recording::kAttachIsPreloaded:
      return who + " was started with the tracker in it: it, or a parent of it, is a run of leakhunt";
    case recording::kAttachOtherVersion:
      return who + " has the tracker of another version in it, from an earlier attach";
    case recording::kAttachNoSlots:
      return who + " loads modules all the time, or has no memory left; try again";
    case recording::kAttachIsHeld:
      return who +
             " has a thread that is still inside the tracker, from an earlier attach; is a debugger on it?";
    case recording::kAttachIsBusy:
      return who + " is still being attached to, by an earlier attach that was ended; try again";
    default:
      return fmt::format("{}: the tracker did not start ({})", who, result);
  }
}

// Stays until the end, whatever it is.
class Session {
 public:
  Session(const AttachOrder& order, const std::filesystem::path& recording)
      : order_(order), recording_(recording), begun_(steady_clock::now()) {}

  Attached stay(SignalWatch& signals) {
    const Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, order_.process.pid, 0)));
    Attached attached;
    for (;;) {
      look_at_memory();
      pollfd ended{process.number(), POLLIN, 0};
      if (process.number() < 0 || poll(&ended, 1, 0) > 0) {
        attached.end = Attached::End::kProgramEnded;
        break;
      }
      if (is_over()) break;
      if (order_.duration && elapsed() >= *order_.duration) break;
      if (const auto caught = signals.wait(kLook)) {
        attached.interrupted_by = caught->number;
        break;
      }
    }
    attached.duration = elapsed();
    return attached;
  }

  const std::vector<recording::HostSample>& samples() const { return samples_.all(); }

 private:
  std::chrono::nanoseconds elapsed() const { return steady_clock::now() - begun_; }

  // The recording is no longer mapped: another program is in the process's place.
  bool is_over() {
    if (elapsed() < next_look_) return false;
    next_look_ = elapsed() + kLookAtProgram;
    return !maps_shared(order_.process.pid, recording_);
  }

  void look_at_memory() {
    if (const auto resident = resident_bytes(order_.process.pid))
      samples_.add(static_cast<uint64_t>(elapsed().count()), *resident);
  }

  const AttachOrder& order_;
  std::filesystem::path recording_;
  steady_clock::time_point begun_;
  Samples samples_;
  std::chrono::nanoseconds next_look_{};
};

// Without the lock the tracker ends the recording by itself, when something is allocated next.
bool ends_by_itself(pid_t pid, const std::filesystem::path& recording, Descriptor& file) {
  file.release();
  const auto until = steady_clock::now() + kLastWait;
  while (steady_clock::now() < until) {
    const auto run = recording::read_recording(recording.string());
    if (run && run->complete()) return true;
    if (!maps_shared(pid, recording)) return true;
    std::this_thread::sleep_for(kLook);
  }
  return false;
}

void detach(const AttachOrder& order, const recording::AttachCall& call,
            const std::filesystem::path& recording, Descriptor& file, Attached& attached) {
  const pid_t pid = order.process.pid;
  if (attached.end == Attached::End::kProgramEnded) return;
  if (!has_library(pid, order.library)) {
    attached.end = threads_of(pid).empty() ? Attached::End::kProgramEnded : Attached::End::kProgramReplaced;
    return;
  }
  const auto result = call_in_process(pid, order.library, recording::kDetachFunction, call, kPatience);
  if (result && *result == recording::kAttachDone) return;
  attached.problem =
      result ? fmt::format("the tracker could not be taken out ({})", *result) : result.error();
  if (threads_of(pid).empty())
    attached.end = Attached::End::kProgramEnded;
  else if (!ends_by_itself(pid, recording, file))
    attached.end = Attached::End::kNotDetached;
}

// Not while the program may still write.
tl::expected<void, std::string> close_recording(const std::string& path, const Session& session) {
  const auto run = recording::read_recording(path);
  if (!run) return Refusal(run.error().message);
  const recording::Symbols symbols = symbolise(*run);
  const auto closed = recording::append_host_records(path, symbols, session.samples(), std::nullopt, {},
                                                     name_data(*run, symbols));
  if (!closed) return Refusal(closed.error().message);
  return {};
}

}  // namespace

tl::expected<Attached, std::string> attach(const AttachOrder& order, const OutputDirectory& out,
                                           const std::function<void()>& begun) {
  SignalWatch signals;
  const auto turn = take_turn(order.process.pid);
  if (!turn) return Refusal(turn.error());
  out.clear();
  const std::string path = out.recording().string();
  auto file = prepare_recording(order, path);
  if (!file) return Refusal(file.error());
  const auto call = make_call(order, path);
  if (!call) return Refusal(call.error());

  const auto result =
      call_in_process(order.process.pid, order.library, recording::kAttachFunction, *call, kPatience);
  if (!result || *result != recording::kAttachDone) {
    out.clear();
    if (result) return Refusal(refusal_text(order, path, *result));
    return Refusal(fmt::format("the process {} was not attached to: {}", order.process.pid, result.error()));
  }
  Session session(order, out.recording());
  begun();
  Attached attached = session.stay(signals);
  detach(order, *call, out.recording(), *file, attached);
  if (attached.end == Attached::End::kNotDetached) return attached;
  if (auto closed = close_recording(path, session); !closed) return Refusal(closed.error());
  return attached;
}

}  // namespace leakhunt::runner
