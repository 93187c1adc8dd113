// remote_call: has a stopped thread of another process load libleakhunt.so (or find that it is loaded) and
// call one function of it.
//
// Order, so that the program survives our death at any point:
//   1. a few instructions are written behind the end of a module's code, where nobody ever gets
//   2. the thread's registers are written onto its stack, below what it uses
//   3. its registers are set: one request of ptrace, from which on it finds its way back by itself
// The instructions block signals, run the call on memory of their own, put back everything (vector registers,
// errno) and come to a system call at which we, if we still live, stop the thread and put its registers back;
// if not, they do it themselves. The difference: with us a system call that was interrupted is made again by
// the kernel, which knows of signals that came meanwhile.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <tl/expected.hpp>

#include "lib/recording/attach_call.h"
#include "scenarios/runner/process_image.h"
#include "scenarios/runner/stopped_thread.h"

namespace leakhunt::runner {

// What has to be known before a thread is stopped.
struct RemoteCode {
  uint64_t text = 0;  // room for instructions
  // It is there already, from one who died while a thread was in it. That thread may still have to come back
  // through it, so it stays: some bytes behind the end of a module's code.
  bool is_shared = false;
  uint64_t errno_location = 0;
  uint64_t dlopen = 0;
  uint64_t dlsym = 0;
  uint64_t dlerror = 0;

  // The error is a phrase.
  static tl::expected<RemoteCode, std::string> of(pid_t pid, const ProcessImage& image);
};

// The function's result (lib/recording/attach_call.h). The error is a phrase: what the loader says, mostly.
tl::expected<int64_t, std::string> call_remotely(StoppedThread& thread, pid_t pid, const RemoteCode& code,
                                                 const std::filesystem::path& library,
                                                 const std::string& function,
                                                 const recording::AttachCall& argument);

}  // namespace leakhunt::runner
