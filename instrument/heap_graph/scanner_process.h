// ScannerProcess: the process that scans a frozen copy of the program, made so that the program cannot notice
// it. It is no child of the program:
//
//   the program  --fork-->  the copy  --clone, memory shared-->  the scanner
//        |                     |                                     |
//    runs on at once        ends, and is waited for              is an orphan
//
// There is no SIGCHLD, nothing for the program's wait() once it has gone on, no handler of pthread_atfork,
// and the scanner's time and memory are not counted as those of the program's children. Nobody waits for
// another process before the program runs on: where more threads compute than there are processors a new
// process has its turn late.
//
// The child has no descriptors, no handlers of signals, no core dump, a limit on its time, and is the first
// that the kernel ends when memory is short. What it found lies in memory shared with the parent.
//
// Thread-safety: one thread at a time; the recorder's lock is held.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/heap_graph/graph_output.h"
#include "instrument/heap_graph/scan_input.h"

namespace leakhunt::tracker {

// Shared by both.
struct ScanResult {
  static constexpr size_t kMostThreads = 1024;
  static constexpr size_t kSiteWords = (1u << 20) / 64;
  static constexpr size_t kBytes = 24 << 20;  // address space; what is not used is never there

  uint32_t done;            // 1: it is all there
  uint32_t checked;         // 1: has_run is all there; a futex between the two processes
  int32_t pid;              // of the child; below zero: an errno
  uint64_t threads_parked;  // in the copy
  uint64_t threads_waiting;
  uint64_t bytes;
  uint64_t module_count;
  uintptr_t modules[GraphOutput::kMostModules];
  ScannedThread threads[kMostThreads];
  uint64_t has_run[kMostThreads / 64];  // a bit a thread: after it was looked at, and maybe before the copy
  uint64_t growing[kSiteWords];
  alignas(16) uint8_t stack[64 << 10];  // of the scanner

  uint8_t* output() { return reinterpret_cast<uint8_t*>(this + 1); }
  static constexpr size_t output_bytes() { return kBytes - sizeof(ScanResult); }
};

class ScannerProcess {
 public:
  // Memory to be filled before start(), threads and growing sites. Null when there is none.
  ScanResult* prepare();

  // Copies the process. The calling thread is the one whose registers are on its stack; from here on its
  // signals are blocked.
  void start(const ScanInput& input);
  // result()->has_run is all there: the scan waits for that. After start().
  void threads_are_checked();
  // After it, by the same thread, when the others run again. 0, or the errno of what failed.
  int finish_start();

  // Once it has started: none of the program's own children inherits the memory.
  void keep_from_children();

  bool is_idle() const { return result_ == nullptr; }
  bool is_done() const;
  // Not done, and nobody is at it any more.
  bool is_lost() const;
  ScanResult* result() const { return result_; }

  // Ends the child, if it still runs, and gives the memory back. In a child of the program's, which has
  // neither, it only forgets them: what lies at that address now is the program's.
  void release();

 private:
  ScanResult* result_ = nullptr;
  long copy_ = 0;
  long owner_ = 0;             // the program's process
  unsigned long signals_ = 0;  // that were blocked before
};

// Why the program cannot have such a child; null when it can. (It would be given it as an orphan.)
const char* obstacle_to_scanning();

}  // namespace leakhunt::tracker
