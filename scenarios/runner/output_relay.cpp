#include "scenarios/runner/output_relay.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include <fmt/format.h>

namespace leakhunt::runner {

namespace {

constexpr int kTerminalLook_ms =
    20;  // how late the user's terminal may follow the target's, and its size ours
constexpr size_t kAtOnce = 64 << 10;

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() { reset(); }

  int get() const { return number_; }
  void reset() {
    if (number_ >= 0) close(number_);
    number_ = -1;
  }

 private:
  int number_;
};

struct Ends {
  Descriptor ours;
  Descriptor targets;
};

tl::unexpected<std::string> failed(const char* what) {
  return tl::unexpected(
      fmt::format("{} for the program's output cannot be made: {}", what, std::strerror(errno)));
}

tl::expected<Ends, std::string> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return failed("a pipe");
  return Ends{Descriptor(ends[0]), Descriptor(ends[1])};
}

// As the user's terminal is, but that it passes every byte on as it is: the user's own does the rest.
tl::expected<Ends, std::string> make_terminal(int like) {
  Descriptor ours(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  std::array<char, 128> name{};
  if (ours.get() < 0 || grantpt(ours.get()) != 0 || unlockpt(ours.get()) != 0 ||
      ptsname_r(ours.get(), name.data(), name.size()) != 0)
    return failed("a terminal");
  Descriptor targets(open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (targets.get() < 0) return failed("a terminal");
  termios modes{};
  if (tcgetattr(like, &modes) == 0) {
    modes.c_oflag &= ~static_cast<tcflag_t>(OPOST);
    tcsetattr(targets.get(), TCSANOW, &modes);
  }
  winsize size{};
  if (ioctl(like, TIOCGWINSZ, &size) == 0) ioctl(targets.get(), TIOCSWINSZ, &size);
  return Ends{std::move(ours), std::move(targets)};
}

bool is_open(int stream) {
  return fcntl(stream, F_GETFD) >= 0;
}

bool are_one(int a, int b) {
  struct stat first {};
  struct stat second {};
  if (fstat(a, &first) != 0 || fstat(b, &second) != 0) return false;
  return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

// False when nobody is left to write to.
bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd room{file, POLLOUT, 0};
      poll(&room, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

bool same_input_modes(const termios& a, const termios& b) {
  return a.c_iflag == b.c_iflag && a.c_lflag == b.c_lflag && std::memcmp(a.c_cc, b.c_cc, sizeof a.c_cc) == 0;
}

}  // namespace

// One pipe or terminal, and the thread that reads it.
class OutputRelay::Channel {
 public:
  Channel(Ends ends, int out, bool is_terminal, std::unique_ptr<OutputReader> reader)
      : in_(std::move(ends.ours)),
        targets_(std::move(ends.targets)),
        stop_(eventfd(0, EFD_CLOEXEC)),
        out_(out),
        is_terminal_(is_terminal),
        reader_(std::move(reader)) {
    if (is_terminal_) tcgetattr(targets_.get(), &modes_);
  }

  int targets_end() const { return targets_.get(); }

  void start(pid_t target) {
    target_ = target;
    targets_.reset();
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void finish() {
    if (!thread_.joinable()) return;
    eventfd_write(stop_.get(), 1);
    thread_.join();
    if (in_.get() >= 0) leave_a_keeper();
  }

 private:
  enum class Next { kGoOn, kEnded };

  void run() {
    while (step() == Next::kGoOn) {
    }
    reader_->begin();
    reader_->end();
  }

  // Ends with `in_` closed, or open if others than the target still have its other end.
  Next step() {
    pollfd ready[3] = {{in_.get(), POLLIN, 0}, {out_, 0, 0}, {stop_.get(), POLLIN, 0}};
    poll(ready, 3, is_terminal_ ? kTerminalLook_ms : -1);
    if (is_terminal_) follow_terminal();
    if ((ready[1].revents & (POLLERR | POLLHUP)) != 0) {  // the user's end is gone: the target is to notice
      in_.reset();
      return Next::kEnded;
    }
    if (ready[0].revents != 0) return pass_on();
    return ready[2].revents != 0 ? Next::kEnded : Next::kGoOn;
  }

  Next pass_on() {
    reader_->begin();
    const ssize_t bytes = read(in_.get(), buffer_.data(), buffer_.size());
    const std::string_view text(buffer_.data(), bytes > 0 ? static_cast<size_t>(bytes) : 0);
    const bool again = bytes < 0 && (errno == EINTR || errno == EAGAIN);
    reader_->read(text);
    if (again) return Next::kGoOn;
    if (bytes > 0) {
      if (write_all(out_, text)) return Next::kGoOn;
    }
    in_.reset();  // a terminal that nobody has open any more says EIO
    return Next::kEnded;
  }

  // What the target does to its terminal's input modes is meant for the user's; the size goes the other way.
  void follow_terminal() {
    termios now{};
    if (tcgetattr(in_.get(), &now) == 0 && !same_input_modes(now, modes_)) {
      modes_ = now;
      termios users{};
      if (tcgetattr(out_, &users) == 0) {
        users.c_iflag = now.c_iflag;
        users.c_lflag = now.c_lflag;
        std::memcpy(users.c_cc, now.c_cc, sizeof users.c_cc);
        tcsetattr(out_, TCSADRAIN, &users);  // SIGTTOU is blocked in this thread
      }
    }
    winsize users{};
    winsize targets{};
    if (ioctl(out_, TIOCGWINSZ, &users) != 0 || ioctl(in_.get(), TIOCGWINSZ, &targets) != 0) return;
    if (std::memcmp(&users, &targets, sizeof users) == 0) return;
    ioctl(in_.get(), TIOCSWINSZ, &users);
    kill(target_, SIGWINCH);  // it had one already, and may have asked too early
  }

  // Somebody whom the target left behind can still write. Nobody reads along any more, but it must arrive.
  void leave_a_keeper() {
    if (fork() != 0) return;
    for (const int number : {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTTOU}) signal(number, SIG_IGN);
    signal(SIGPIPE, SIG_DFL);
    const int in = dup2(in_.get(), STDIN_FILENO);
    const int out = dup2(out_, STDOUT_FILENO);
    close(STDERR_FILENO);
    close_range(STDERR_FILENO + 1, ~0u, 0);
    for (;;) {
      const ssize_t bytes = read(in, buffer_.data(), buffer_.size());
      if (bytes < 0 && errno == EINTR) continue;
      if (bytes <= 0 || !write_all(out, {buffer_.data(), static_cast<size_t>(bytes)})) _exit(0);
    }
  }

  Descriptor in_;
  Descriptor targets_;
  Descriptor stop_;
  int out_;
  bool is_terminal_;
  std::unique_ptr<OutputReader> reader_;
  termios modes_{};
  pid_t target_ = 0;
  std::thread thread_;
  std::array<char, kAtOnce> buffer_{};
};

OutputRelay::OutputRelay() = default;

OutputRelay::~OutputRelay() {
  finish();
}

tl::expected<std::unique_ptr<OutputRelay>, std::string> OutputRelay::create(
    const MakeOutputReader& make_reader) {
  std::unique_ptr<OutputRelay> relay(new OutputRelay());
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    if (!is_open(stream)) continue;
    if (stream == STDERR_FILENO && is_open(STDOUT_FILENO) && are_one(STDOUT_FILENO, STDERR_FILENO)) {
      relay->of_stream_[stream] = relay->of_stream_[STDOUT_FILENO];
      continue;
    }
    const bool is_terminal = isatty(stream) == 1;
    auto ends = is_terminal ? make_terminal(stream) : make_pipe();
    if (!ends) return tl::unexpected(ends.error());
    relay->channels_.push_back(
        std::make_unique<Channel>(std::move(*ends), stream, is_terminal, make_reader()));
    relay->of_stream_[stream] = relay->channels_.back().get();
  }
  return relay;
}

int OutputRelay::target_end(int stream) const {
  return of_stream_[stream] == nullptr ? -1 : of_stream_[stream]->targets_end();
}

void OutputRelay::start(pid_t target) {
  for (const auto& channel : channels_) channel->start(target);
}

void OutputRelay::finish() {
  for (const auto& channel : channels_) channel->finish();
}

}  // namespace leakhunt::runner
