#include "scenarios/defects/defect.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <system_error>

namespace leakhunt::defects {
inline namespace LEAKHUNT_PRECISION {
namespace {

constexpr Defect defects[] = {
    {"arena-cleanup-every-K", "the arena grows without bound, and all of it is given back every K iterations",
     apply_arena_cleanup},
    {"arena-early-reset", "the arena is reset before samples and checkpoints, whose temporaries then pile up",
     apply_arena_early_reset},
    {"arena-orphaned-chunks",
     "after a reset, an overflow links a new chunk over the chain that is already there",
     apply_arena_orphaned_chunks},
    {"arena-unbounded", "an overflow always appends a chunk, and a reset uses none of them again",
     apply_arena_unbounded},
    {"checkpoint-leaks", "each save of a checkpoint keeps its serialisation buffer", apply_checkpoint_leaks},
    {"optimizer-reallocates", "m and v are allocated anew at each step and the old ones are never given back",
     apply_optimizer_reallocates},
    {"resume-loses-moments", "m and v are written to a checkpoint as zeros, and discarded when it is read",
     apply_resume_loses_moments},
    {"stray-heap", "operations take their scratch from malloc and forget it", apply_stray_heap},
    {"tape-retained", "the tape's nodes survive its reset", apply_tape_retained},
    {"threads-eager-batches", "all batches are made before the first is needed", apply_threads_eager_batches},
    {"threads-full-stacks", "every thread gets a stack of 8 MB, and all of it is touched",
     apply_threads_full_stacks},
    {"threads-idle-contexts", "157 contexts are made, whatever number of them will work",
     apply_threads_idle_contexts},
    {"threads-model-lock", "one lock is held during every forward and backward pass",
     apply_threads_model_lock},
    {"threads-oversized-caches", "caches are sized for the largest model instead of this one",
     apply_threads_oversized_caches},
};

// The number in the name of a defect with a K, 0 for one without; nothing when it is another defect.
std::optional<std::uint64_t> match(const Defect& defect, std::string_view name) {
  if (!defect.name.ends_with("-K"))
    return name == defect.name ? std::optional<std::uint64_t>(0) : std::nullopt;
  const std::string_view stem = defect.name.substr(0, defect.name.size() - 1);
  if (!name.starts_with(stem)) return std::nullopt;
  std::uint64_t number = 0;
  const char* end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data() + stem.size(), end, number);
  if (error != std::errc() || rest != end || number == 0) return std::nullopt;
  return number;
}

[[noreturn]] void refuse(const char* name) {
  std::string known;
  for (const Defect& defect : defects) known += (known.empty() ? "" : ", ") + std::string(defect.name);
  std::fprintf(stderr, "LEAKHUNT_DEFECT: no defect is called '%s' (known: %s)\n", name, known.c_str());
  std::exit(2);
}

}  // namespace

std::span<const Defect> all() {
  return defects;
}

void apply_selected(trainer::Seams& seams) {
  const char* name = std::getenv("LEAKHUNT_DEFECT");
  if (name == nullptr || *name == '\0') return;
  for (const Defect& defect : defects) {
    if (const std::optional<std::uint64_t> number = match(defect, name)) return defect.apply(seams, *number);
  }
  refuse(name);
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::defects
