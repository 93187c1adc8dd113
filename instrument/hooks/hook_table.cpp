#include "instrument/hooks/hook_table.h"

#include "instrument/hooks/real_functions.h"
#include "instrument/os/proc_self.h"

namespace leakhunt::hooks {

namespace {

#define LEAKHUNT_COUNT(name, result, parameters) +1
constexpr size_t kMostRows = 0 LEAKHUNT_HOOKED_LIBC(LEAKHUNT_COUNT) LEAKHUNT_HOOKED_OPERATORS(LEAKHUNT_COUNT);
#undef LEAKHUNT_COUNT

tracker::Replacement rows[kMostRows];
size_t row_count = 0;

// The address of a hook is asked of the loader: `&malloc` in here would be the program's.
template <typename Function>
void add(const char* name, Function real_function) {
  const uintptr_t hook = tracker::own_function(reinterpret_cast<uintptr_t>(&rows), name);
  if (real_function == nullptr || hook == 0) return;
  rows[row_count++] = {name, reinterpret_cast<uintptr_t>(real_function), hook};
}

}  // namespace

const tracker::Replacement* hook_table(size_t* count) {
  if (row_count == 0) {
    operators_ready();
#define LEAKHUNT_ADD(name, result, parameters) add(#name, real.name);
    LEAKHUNT_HOOKED_LIBC(LEAKHUNT_ADD)
    if (real.standard_operators) {
      LEAKHUNT_HOOKED_OPERATORS(LEAKHUNT_ADD)
    }
#undef LEAKHUNT_ADD
  }
  *count = row_count;
  return rows;
}

}  // namespace leakhunt::hooks
