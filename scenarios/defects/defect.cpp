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
     kArena, apply_arena_cleanup},
    {"arena-early-reset", "the arena is reset before samples and checkpoints, whose temporaries then pile up",
     kArena | kCheckpoints, apply_arena_early_reset},
    {"arena-orphaned-chunks",
     "after a reset, an overflow links a new chunk over the chain that is already there", kArena,
     apply_arena_orphaned_chunks},
    {"arena-unbounded", "an overflow always appends a chunk, and a reset uses none of them again", kArena,
     apply_arena_unbounded},
    {"arena-zeroing", "every temporary is zeroed before it is handed out, and every chunk", kArena,
     apply_arena_zeroing},
    {"checkpoint-leaks", "each save of a checkpoint keeps its serialisation buffer", kCheckpoints,
     apply_checkpoint_leaks},
    {"optimizer-reallocates", "m and v are allocated anew at each step and the old ones are never given back",
     kOptimizer, apply_optimizer_reallocates},
    {"resume-loses-moments", "m and v are written to a checkpoint as zeros, and discarded when it is read",
     kTensors, apply_resume_loses_moments},
    {"stray-heap", "operations take their scratch from malloc and forget it", kScratch, apply_stray_heap},
    {"tape-capacity", "the tape keeps the most nodes it ever had, and once it had twice as many", kTape,
     apply_tape_capacity},
    {"tape-retained", "the tape's nodes survive its reset", kTape, apply_tape_retained},
    {"threads-eager-batches", "all batches are made before the first is needed", kBatches,
     apply_threads_eager_batches},
    {"threads-full-stacks", "every thread gets a stack of 8 MB, and all of it is touched", kStacks,
     apply_threads_full_stacks},
    {"threads-idle-contexts", "157 contexts are made, whatever number of them will work", kArena,
     apply_threads_idle_contexts},
    {"threads-model-lock", "one lock is held during every forward and backward pass", kSequences,
     apply_threads_model_lock},
    {"threads-oversized-caches", "caches are sized for the largest model instead of this one", kArena,
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

[[noreturn]] void refuse(const std::string& problem) {
  std::fprintf(stderr, "LEAKHUNT_DEFECT: %s\n", problem.c_str());
  std::exit(2);
}

struct Choice {
  const Defect* defect;
  std::uint64_t number;
};

Choice choose(std::string_view name) {
  std::string known;
  for (const Defect& defect : defects) {
    if (const std::optional<std::uint64_t> number = match(defect, name)) return {&defect, *number};
    known += (known.empty() ? "" : ", ") + std::string(defect.name);
  }
  refuse("no defect is called '" + std::string(name) + "' (known: " + known + ")");
}

}  // namespace

std::span<const Defect> all() {
  return defects;
}

void apply_selected(trainer::Seams& seams) {
  const char* chosen = std::getenv("LEAKHUNT_DEFECT");
  if (chosen == nullptr || *chosen == '\0') return;
  unsigned replaced = 0;
  for (std::string_view rest = chosen; !rest.empty();) {
    const std::string_view name = rest.substr(0, rest.find('+'));
    rest.remove_prefix(name.size() == rest.size() ? rest.size() : name.size() + 1);
    const Choice choice = choose(name);
    if ((replaced & choice.defect->parts) != 0) {
      refuse("'" + std::string(name) +
             "' replaces the same part of the trainer as one before it; leave one out");
    }
    replaced |= choice.defect->parts;
    choice.defect->apply(seams, choice.number);
  }
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::defects
