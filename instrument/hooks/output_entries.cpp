#include "instrument/hooks/output_entries.h"

#include "instrument/hooks/loaded_module.h"
#include "instrument/os/entry_patch.h"
#include "instrument/tracker/tracker.h"

namespace leakhunt::hooks {

using tracker::EntryPatch;

namespace {

void write_entered(uint64_t stream, uint64_t /*bytes*/, uint64_t count) {
  tracker::tracker.before_output(static_cast<int>(stream), count);
}

// How many bytes the vector has is not looked up: it may be no vector at all.
void writev_entered(uint64_t stream, uint64_t /*vector*/, uint64_t /*count*/) {
  tracker::tracker.before_output(static_cast<int>(stream), 1);
}

// False where it cannot be watched.
bool watch(const char* text, tracker::Entered entered) {
  EntryPatch function;
  if (text == nullptr || !function.parse(text)) return false;
  const link_map* module = find_module(function);
  return module != nullptr &&
         function.apply(module->l_addr, entered, tracker::Registers::kGeneral) == nullptr;
}

}  // namespace

void watch_output(const char* write_text, const char* writev_text) {
  watch(write_text, write_entered);
  watch(writev_text, writev_entered);
}

}  // namespace leakhunt::hooks
