#include "scenarios/defects/defect.h"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace leakhunt::defects {
inline namespace LEAKHUNT_PRECISION {
namespace {

constexpr Defect defects[] = {
    {"arena-orphaned-chunks",
     "after a reset, an overflow links a new chunk over the chain that is already there",
     apply_arena_orphaned_chunks},
    {"optimizer-reallocates", "m and v are allocated anew at each step and the old ones are never given back",
     apply_optimizer_reallocates},
    {"stray-heap", "operations take their scratch from malloc and forget it", apply_stray_heap},
    {"tape-retained", "the tape's nodes survive its reset", apply_tape_retained},
};

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
    if (defect.name == name) return defect.apply(seams);
  }
  refuse(name);
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::defects
