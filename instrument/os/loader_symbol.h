// loader_symbol: libc's own dlsym, whose name is a hook of ours.
#pragma once

namespace leakhunt::tracker {

using LookUpSymbol = void* (*)(void* handle, const char* name);

// Found once; never null where there is a glibc. Takes the loader's lock. RTLD_NEXT means behind us.
LookUpSymbol find_loader_lookup();

inline void* loader_symbol(void* handle, const char* name) {
  return find_loader_lookup()(handle, name);
}

}  // namespace leakhunt::tracker
