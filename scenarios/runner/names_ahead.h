// names_ahead: looks up names while the target still runs, so that nobody waits for them at its end. Opening
// a module's debug information alone may take longer than everything else that follows a run.
//
// A thread of low priority follows the growing recording and asks the Symboliser for every new address. What
// it finds stays there as what is known already; whether it is right for a stack is asked at the end, as
// ever. In a control group that leaves little memory it waits: what it takes would be missing to the target.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "lib/recording/frame_scanner.h"
#include "lib/recording/run.h"
#include "scenarios/runner/memory_left.h"
#include "scenarios/runner/symbolise.h"

namespace leakhunt::runner {

class NamesAhead {
 public:
  // Begins at once. Until stop() the symboliser belongs to it.
  NamesAhead(std::string recording, Symboliser& symboliser);
  ~NamesAhead() { stop(); }
  NamesAhead(const NamesAhead&) = delete;
  NamesAhead& operator=(const NamesAhead&) = delete;

  // Waits for the module or address at hand, no longer.
  void stop();

  // Addresses so far.
  uint64_t looked_up() const { return looked_up_; }

 private:
  void work();
  bool is_stopping();
  void follow();
  void take_site(const recording::Frame& frame);
  void look_up(uint64_t address);

  recording::FrameScanner scanner_;
  Symboliser& symboliser_;
  std::vector<recording::Module> modules_;
  std::unordered_set<uint64_t> seen_;  // addresses, since the last module
  std::vector<uint64_t> frames_;
  std::vector<uint64_t> last_frames_;
  MemoryLeft memory_left_;

  std::atomic<uint64_t> looked_up_ = 0;

  std::mutex mutex_;
  std::condition_variable wakes_;
  bool stopping_ = false;
  std::thread thread_;  // the last member: it uses the others
};

}  // namespace leakhunt::runner
