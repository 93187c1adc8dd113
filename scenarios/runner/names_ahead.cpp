#include "scenarios/runner/names_ahead.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ranges>
#include <utility>

#include "lib/recording/codec.h"

namespace leakhunt::runner {

using recording::Decoder;
using recording::Frame;
using recording::RecordType;

namespace {

constexpr auto kPause = std::chrono::milliseconds(100);
constexpr int kNiceness = 10;  // what is left over of the machine
constexpr uint64_t kMostFrames = 4096;
constexpr uint64_t kLeastRoom = uint64_t{1} << 30;  // debug information may take some hundred MB

}  // namespace

NamesAhead::NamesAhead(std::string recording, Symboliser& symboliser)
    : scanner_(std::move(recording)), symboliser_(symboliser), thread_([this] { work(); }) {}

void NamesAhead::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wakes_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool NamesAhead::is_stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void NamesAhead::work() {
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness);
  std::unique_lock lock(mutex_);
  while (!wakes_.wait_for(lock, kPause, [&] { return stopping_; })) {
    lock.unlock();
    follow();
    lock.lock();
  }
}

// Whatever is wrong with the recording, whoever reads it says so.
void NamesAhead::follow() {
  if (memory_left_.is_less_than(kLeastRoom) || !scanner_.refresh()) return;
  Frame frame;
  recording::Skipped skipped;
  while (!is_stopping() && scanner_.next(&frame, &skipped, recording::Growth::kGrowing)) {
    Decoder in{frame.payload.data(), frame.payload.data() + frame.payload.size()};
    if (frame.type == RecordType::kProcessStart) modules_.clear();
    if (frame.type == RecordType::kSite) take_site(frame);
    if (frame.type != RecordType::kModule) continue;
    const recording::ModuleRecord record = decode_module(in);
    if (in.failed) continue;
    const auto* id = record.build_id.data;
    modules_.push_back({record.bias, record.begin, record.end, std::string(view_of(record.path)),
                        std::vector<uint8_t>(id, id + record.build_id.size)});
    seen_.clear();  // an address may mean another module now
    last_frames_.clear();
  }
}

void NamesAhead::take_site(const Frame& frame) {
  Decoder in{frame.payload.data(), frame.payload.data() + frame.payload.size()};
  const recording::SiteHeader header = decode_site_header(in);
  if (in.failed || header.frame_count > kMostFrames) return;
  frames_.clear();
  uint64_t address = 0;
  for (uint64_t i = 0; i < header.frame_count; ++i) frames_.push_back(address = decode_frame(in, address));
  if (in.failed) return;
  // What is outermost was there before.
  const auto apart =
      std::mismatch(frames_.rbegin(), frames_.rend(), last_frames_.rbegin(), last_frames_.rend()).first;
  for (auto next = apart; next != frames_.rend() && !is_stopping(); ++next) {
    if (*next != 0 && seen_.insert(*next).second) look_up(*next);
  }
  frames_.swap(last_frames_);
}

void NamesAhead::look_up(uint64_t address) {
  for (const recording::Module& module : std::views::reverse(modules_)) {
    if (address - 1 < module.begin || address - 1 >= module.end) continue;
    symboliser_.look_up(module, address);
    ++looked_up_;
    return;
  }
}

}  // namespace leakhunt::runner
