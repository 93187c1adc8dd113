// What leakhunt attach hands to the library that it brought into a running program, and what it gets back.
// Freestanding, and the same on both sides: the runner writes it into the program's memory.
#pragma once

#include <stdint.h>

namespace leakhunt::recording {

inline constexpr uint32_t kAttachVersion = 2;
inline constexpr char kAttachFunction[] = "leakhunt_attach";  // int64_t (const AttachCall*)
inline constexpr char kDetachFunction[] = "leakhunt_detach";  // int64_t (const AttachCall*)

struct AttachCall {
  uint32_t version;
  uint32_t is_wanted;    // 0: the runner does not wait for it any more
  uint64_t interval_ms;  // of the clock
  uint64_t max_frames;
  char unwinder[16];
  char graph[16];        // when heap graphs are taken: "auto", "off", "exit", "every=K"
  char recording[4096];  // absolute path; the runner has made the file and holds a lock on it
};

// Results; above 0 an errno: the recording could not be written.
inline constexpr int64_t kAttachDone = 0;
inline constexpr int64_t kAttachIsRecorded = -1;    // the program is recorded already
inline constexpr int64_t kAttachIsPreloaded = -2;   // the library was there from the start
inline constexpr int64_t kAttachOtherVersion = -3;  // it is from another build
inline constexpr int64_t kAttachNoSlots = -4;       // the modules could not be walked
inline constexpr int64_t kAttachIsHeld = -5;        // a thread is still inside, from the time before
inline constexpr int64_t kAttachTooLate = -6;
inline constexpr int64_t kAttachIsBusy = -7;  // another such call has not come back yet

}  // namespace leakhunt::recording
