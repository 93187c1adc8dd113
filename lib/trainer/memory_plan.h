// memory_plan: what a training will occupy, worked out before it begins.
//
// The sizes follow from the configuration alone; the arena's from the list of what the operations of one
// iteration take from it (ops.cpp), laid out in chunks as the arena does. Tests compare the plan with what
// was really allocated, so that neither can change without the other.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string_view>
#include <vector>

#include "lib/trainer/index.h"
#include "lib/trainer/modes.h"

namespace leakhunt::trainer {

// What the bytes are for, by the name of the tag that the instrumented build gives them.
struct PlannedMemory {
  std::string_view tag;
  std::size_t blocks;
  std::size_t bytes;
};

struct PlanInputs {
  ModelConfig model;
  std::size_t real_bytes;  // 4 or 8
  unsigned threads;
  Index sample_length;  // symbols of the longest sample
  Index text_length;    // symbols of the text
};

// One entry for each tag, the largest tags of a usual configuration first. Program, libraries and stacks come
// on top.
std::vector<PlannedMemory> plan_memory(const PlanInputs& inputs);

// How many operations one iteration records on the tape.
Index tape_operations(const ModelConfig& model);

// "  parameter   13509728 bytes in  1 block", a line for each and one for all.
void print_plan(const std::vector<PlannedMemory>& plan, std::FILE* out);

// The chunks an arena of `chunk_bytes` ends up with when `pieces` (in bytes) are taken from it one after the
// other.
PlannedMemory plan_arena(const std::vector<std::size_t>& pieces, std::size_t chunk_bytes);

}  // namespace leakhunt::trainer
