// attribution: which frame of a stack answers for the block. Allocator plumbing is passed over: nobody wants
// to read that the leak is in operator new.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/recording/run.h"
#include "reports/analysis/stack_frames.h"

namespace leakhunt::reports {

struct Attribution {
  FrameList frames;  // innermost first
  size_t named = 0;  // index of the frame that answers; 0 for an empty stack

  const StackFrame* frame() const { return frames.empty() ? nullptr : &frames[named]; }
};

// Of many sites of a run, one after the other: what a stack shares with the one before costs next to nothing,
// and each frame is made once. Their Attributions share one table; the run outlives the Attributor alone.
class Attributor {
 public:
  explicit Attributor(const recording::Run& run);
  Attribution attribute(const recording::CallSite& site);

 private:
  // The frames at one return address; `count` is at least 1.
  struct Expanded {
    uint32_t first = 0;
    uint32_t count = 0;
  };
  enum class Answers : uint8_t { kNo, kIfNobodyElse, kYes };

  Expanded expand(const recording::CallSite& site, uint64_t address);

  const recording::Run& run_;
  std::shared_ptr<StackFrames> table_;
  std::vector<Answers> answers_;                                    // by number of the frame
  std::unordered_map<const recording::Symbol*, Expanded> symbols_;  // that were met
  std::unordered_map<uint64_t, Expanded> unknown_;                  // addresses without one
  const recording::CallSite* last_ = nullptr;
  std::vector<uint32_t> numbers_;  // of the last site's frames, outermost first
  std::vector<uint32_t> begins_;   // where in them each of its return addresses begins
};

// Of one alone.
Attribution attribute(const recording::Run& run, const recording::CallSite& site);

// "ns::Type::member" of a demangled function: without return type, parameters and qualifiers.
std::string_view qualified_name(std::string_view function);

// The same with "<…>" for each list of template arguments, if it is wider than `width`.
std::string shorten_templates(std::string_view function, size_t width);

// Is this frame part of the way to the allocator: the malloc family, operator new, std::, __gnu_cxx::,
// __cxxabiv1::, TaggedResource, a memory resource's do_allocate or allocate, or anything inside
// libleakhunt.so?
bool is_plumbing(const StackFrame& frame);

// The name a person reads: the function, or "module+0x1234", "[anonymous code 0x1234]", or the bare address.
std::string frame_name(const StackFrame& frame);

}  // namespace leakhunt::reports
