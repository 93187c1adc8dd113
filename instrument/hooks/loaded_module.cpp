#include "instrument/hooks/loaded_module.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "instrument/os/loader_symbol.h"
#include "instrument/os/system_call.h"

namespace leakhunt::hooks {

namespace {

bool is_file_of(const tracker::EntryPatch& patch, const link_map& module) {
  const char* path = module.l_name[0] != '\0' ? module.l_name : "/proc/self/exe";
  struct stat status {};
  if (tracker::is_error(tracker::system_call(SYS_newfstatat, AT_FDCWD, path, &status, 0))) return false;
  return status.st_dev == patch.device() && status.st_ino == patch.inode();
}

}  // namespace

const r_debug* modules() {
  static const r_debug* const found =
      static_cast<const r_debug*>(tracker::loader_symbol(RTLD_DEFAULT, "_r_debug"));
  return found;
}

const link_map* find_module(const tracker::EntryPatch& patch) {
  if (modules() == nullptr) return nullptr;
  for (const link_map* module = modules()->r_map; module != nullptr; module = module->l_next) {
    if (is_file_of(patch, *module)) return module;
  }
  return nullptr;
}

}  // namespace leakhunt::hooks
