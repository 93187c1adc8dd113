// defect: faults that were really made, each behind a seam of the trainer.
//
// A defect changes the Seams of an instrumented subject and nothing else: the trainer's own code stays
// healthy, and the training computes what it always computes (resume-loses-moments excepted). One is chosen
// with the environment variable LEAKHUNT_DEFECT, several with a + between their names. To add one: a file
// with its mechanism, a declaration below, a row in defect.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "lib/trainer/seams.h"

namespace leakhunt::defects {
inline namespace LEAKHUNT_PRECISION {

// What a defect replaces; several are added. Two that replace the same cannot be in one program.
enum Part : unsigned {
  kArena = 1,
  kTape = 2,
  kOptimizer = 4,
  kScratch = 8,
  kCheckpoints = 16,
  kTensors = 32,
  kStacks = 64,
  kBatches = 128,
  kSequences = 256,
};

struct Defect {
  std::string_view name;       // "arena-orphaned-chunks"; with a K at its end: a number from 1 stands there
  std::string_view mechanism;  // one line for people
  unsigned parts;              // of Part
  void (*apply)(trainer::Seams& seams, std::uint64_t number);
};

// Every defect, in the order of the alphabet.
std::span<const Defect> all();

// Applies the defects that LEAKHUNT_DEFECT names ("arena-unbounded", "stray-heap+checkpoint-leaks"); none
// when it is unset or empty. An unknown name, or two of the same part, ends the program with one line on
// stderr and status 2.
void apply_selected(trainer::Seams& seams);

void apply_arena_cleanup(trainer::Seams& seams, std::uint64_t every);
void apply_arena_early_reset(trainer::Seams& seams, std::uint64_t = 0);
void apply_arena_orphaned_chunks(trainer::Seams& seams, std::uint64_t = 0);
void apply_arena_unbounded(trainer::Seams& seams, std::uint64_t = 0);
void apply_arena_zeroing(trainer::Seams& seams, std::uint64_t = 0);
void apply_checkpoint_leaks(trainer::Seams& seams, std::uint64_t = 0);
void apply_optimizer_reallocates(trainer::Seams& seams, std::uint64_t = 0);
void apply_resume_loses_moments(trainer::Seams& seams, std::uint64_t = 0);
void apply_stray_heap(trainer::Seams& seams, std::uint64_t = 0);
void apply_tape_capacity(trainer::Seams& seams, std::uint64_t = 0);
void apply_tape_retained(trainer::Seams& seams, std::uint64_t = 0);
void apply_threads_eager_batches(trainer::Seams& seams, std::uint64_t = 0);
void apply_threads_full_stacks(trainer::Seams& seams, std::uint64_t = 0);
void apply_threads_idle_contexts(trainer::Seams& seams, std::uint64_t = 0);
void apply_threads_model_lock(trainer::Seams& seams, std::uint64_t = 0);
void apply_threads_oversized_caches(trainer::Seams& seams, std::uint64_t = 0);

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::defects
