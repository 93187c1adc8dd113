// attribution: which frame of a stack answers for the block. Allocator plumbing is passed over: nobody wants
// to read that the leak is in operator new.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/recording/run.h"

namespace leakhunt::reports {

// One source frame of a stack, inlined ones included. Strings are as in the recording: escape them when
// printing.
struct StackFrame {
  std::string function;  // empty when unknown
  std::string file;      // empty when unknown
  uint32_t line = 0;
  bool inlined = false;
  std::string module;   // path, or as in recording::Symbol
  uint64_t offset = 0;  // of the return address in the module, or the bare address
  uint64_t address = 0;
  std::string note = {};  // why there is no better name, or empty
};

struct Attribution {
  std::vector<StackFrame> frames;  // innermost first
  size_t named = 0;                // index of the frame that answers; 0 for an empty stack

  const StackFrame* frame() const { return frames.empty() ? nullptr : &frames[named]; }
};

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
