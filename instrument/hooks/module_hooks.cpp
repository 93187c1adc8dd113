// dlclose: what was learned about code that is gone must not be used for what is loaded in its place.
//
// dlopen is not hooked: it looks at its caller to find libraries, and the caller would be us.
#include "instrument/hooks/real_functions.h"
#include "instrument/unwind/unwind.h"

using leakhunt::hooks::ready;
using leakhunt::hooks::real;

LEAKHUNT_HOOK int dlclose(void* handle) noexcept {
  ready();
  const int result = real.dlclose(handle);
  leakhunt::tracker::forget_unwind_rules();
  return result;
}
