// dlclose: what was learned about code that is gone must not be used for what is loaded in its place.
//
// dlopen is not hooked: it looks at its caller to find libraries, and the caller would be us.
#include "instrument/hooks/real_functions.h"
#include "instrument/tracker/tracker.h"

using leakhunt::hooks::ready;
using leakhunt::hooks::real;
using leakhunt::tracker::tracker;

LEAKHUNT_HOOK int dlclose(void* handle) noexcept {
  ready();
  const int result = real.dlclose(handle);
  tracker.on_module_closed();
  return result;
}
