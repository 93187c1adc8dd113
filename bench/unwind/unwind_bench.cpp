// Nanoseconds of one capture, by depth:
//
//   same      again and again from the same place: nothing has changed since the last walk
//   leaf      the innermost frame lies elsewhere each time, the callers are the same
//   fresh     the whole stack lies elsewhere each time: every frame goes by the table of rules
//
// beside libgcc's unwinder. Each depth counts the frames of the chain; some ten of main and the library are
// below.
#include <alloca.h>
#include <benchmark/benchmark.h>
#include <pthread.h>
#include <unwind.h>

#include "bench/unwind/call_chain.h"
#include "instrument/unwind/unwind.h"

namespace leakhunt::bench {
namespace {

using tracker::Capture;
using tracker::StackBounds;

constexpr size_t kMaxFrames = 128;

StackBounds own_stack() {
  pthread_attr_t attributes;
  void* low = nullptr;
  size_t size = 0;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &low, &size);
  pthread_attr_destroy(&attributes);
  return {reinterpret_cast<uintptr_t>(low), reinterpret_cast<uintptr_t>(low) + size};
}

_Unwind_Reason_Code add_frame(_Unwind_Context* context, void* argument) {
  tracker::CapturedStack* stack = static_cast<tracker::CapturedStack*>(argument);
  benchmark::DoNotOptimize(_Unwind_GetIP(context));
  return ++stack->count == kMaxFrames ? _URC_END_OF_STACK : _URC_NO_REASON;
}

tracker::CapturedStack capture_by_libgcc(const void*, const StackBounds&, uint64_t*, size_t) {
  tracker::CapturedStack stack{0, false, 0};
  _Unwind_Backtrace(add_frame, &stack);
  return stack;
}

struct Run {
  benchmark::State& state;
  Capture capture;
  StackBounds stack;
  size_t frames;
};

// As a hook: with a frame pointer, called by what allocates.
__attribute__((noinline)) size_t hook(const Run& run) {
  uint64_t frames[kMaxFrames];
  const size_t count = run.capture(__builtin_frame_address(0), run.stack, frames, kMaxFrames).count;
  benchmark::DoNotOptimize(frames);
  return count;
}

__attribute__((noinline)) size_t hook_below(const Run& run, size_t bytes) {
  volatile char* space = static_cast<volatile char*>(alloca(bytes));
  space[0] = 0;
  return hook(run) + static_cast<size_t>(space[0]);
}

size_t measure_same(void* argument) {
  Run& run = *static_cast<Run*>(argument);
  for (auto step : run.state) run.frames = hook(run);
  return 0;
}

size_t measure_leaf(void* argument) {
  Run& run = *static_cast<Run*>(argument);
  size_t shift = 0;
  for (auto step : run.state) run.frames = hook_below(run, 16 + (shift++ % 16) * 16);
  return 0;
}

using Descend = size_t (*)(unsigned, Leaf, void*);

void report(Run& run) {
  run.state.counters["frames"] = static_cast<double>(run.frames);
}

void same(benchmark::State& state, Capture capture, Descend descend) {
  Run run{state, capture, own_stack(), 0};
  descend(static_cast<unsigned>(state.range(0)), measure_same, &run);
  report(run);
}

void leaf(benchmark::State& state, Capture capture, Descend descend) {
  Run run{state, capture, own_stack(), 0};
  descend(static_cast<unsigned>(state.range(0)), measure_leaf, &run);
  report(run);
}

// A chain a time, from a place that moves; the chain itself costs a nanosecond a call.
void fresh(benchmark::State& state, Capture capture, Descend descend) {
  Run run{state, capture, own_stack(), 0};
  size_t shift = 0;
  const auto capture_once = [](void* argument) {
    Run& once = *static_cast<Run*>(argument);
    return once.frames = hook(once);
  };
  for (auto step : state) {
    const auto from_below = [&](size_t bytes) __attribute__((noinline)) {
      volatile char* space = static_cast<volatile char*>(alloca(bytes));
      space[0] = 0;
      return descend(static_cast<unsigned>(state.range(0)), capture_once, &run) +
             static_cast<size_t>(space[0]);
    };
    benchmark::DoNotOptimize(from_below(16 + (shift++ % 16) * 16));
  }
  report(run);
}

void chain_alone(benchmark::State& state, Descend descend) {
  const auto nothing = [](void*) { return size_t{0}; };
  for (auto step : state) {
    benchmark::DoNotOptimize(descend(static_cast<unsigned>(state.range(0)), nothing, nullptr));
  }
}

constexpr auto kWith = with_frame_pointers::descend;
constexpr auto kWithout = without_frame_pointers::descend;

#define DEPTHS ->Arg(5)->Arg(20)->Arg(50)
BENCHMARK_CAPTURE(same, frame_pointers, tracker::capture_by_frame_pointers, kWith) DEPTHS;
BENCHMARK_CAPTURE(same, cfi_rules, tracker::capture_by_cfi_rules, kWithout) DEPTHS;
BENCHMARK_CAPTURE(leaf, cfi_rules, tracker::capture_by_cfi_rules, kWithout) DEPTHS;
BENCHMARK_CAPTURE(fresh, cfi_rules, tracker::capture_by_cfi_rules, kWithout) DEPTHS;
BENCHMARK_CAPTURE(chain_alone, without, kWithout) DEPTHS;
BENCHMARK_CAPTURE(same, libgcc, capture_by_libgcc, kWithout) DEPTHS;

}  // namespace
}  // namespace leakhunt::bench

BENCHMARK_MAIN();
