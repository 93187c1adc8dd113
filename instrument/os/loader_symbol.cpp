#include "instrument/os/loader_symbol.h"

#include <dlfcn.h>

#include "instrument/os/atomics.h"

namespace leakhunt::tracker {

// By its version: our hook has none, and is not found. The second is that of glibc before 2.34.
LookUpSymbol find_loader_lookup() {
  static LookUpSymbol found = nullptr;
  LookUpSymbol known = load_relaxed(found);
  if (known != nullptr) return known;
  known = reinterpret_cast<LookUpSymbol>(dlvsym(RTLD_DEFAULT, "dlsym", "GLIBC_2.34"));
  if (known == nullptr) known = reinterpret_cast<LookUpSymbol>(dlvsym(RTLD_DEFAULT, "dlsym", "GLIBC_2.2.5"));
  store_relaxed(found, known);
  return known;
}

}  // namespace leakhunt::tracker
