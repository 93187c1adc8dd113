#include "reports/analysis/inner_heap.h"

#include <string_view>

namespace leakhunt::reports {

namespace {

bool is_arena(uint64_t bytes) {
  return bytes == 1 << 20 || bytes == 256 << 10;
}

bool is_python(std::string_view module) {
  const std::string_view name = module.substr(module.rfind('/') + 1);
  return name.starts_with("python3") || name.starts_with("libpython3");
}

}  // namespace

std::string inner_heap_sentence(const recording::Run& run, const GrowthMap& growth) {
  for (size_t i = 0; i < run.sites.size() && i < growth.sites.size(); ++i) {
    const recording::CallSite& site = run.sites[i];
    const StackFrame* frame = growth.sites[i].attribution.frame();
    if (site.kind != recording::SiteKind::kMapping || site.total.allocations == 0 || frame == nullptr)
      continue;
    if (is_arena(site.total.allocated_bytes / site.total.allocations) && is_python(frame->module))
      return "Python keeps objects of up to 512 B in arenas of its own: of these only whole arenas are seen; "
             "with "
             "PYTHONMALLOC=malloc in its environment every object is";
  }
  return {};
}

}  // namespace leakhunt::reports
