#include "instrument/hooks/recorded_environment.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "instrument/os/pages.h"
#include "instrument/os/program_file.h"
#include "instrument/os/system_call.h"
#include "instrument/runtime.h"

namespace leakhunt::hooks {

namespace {

const char kPreload[] = "LD_PRELOAD=";
const char kRecording[] = "LEAKHUNT_RECORDING=";

bool has_name(const char* variable, const char* name_and_equals) {
  return strncmp(variable, name_and_equals, strlen(name_and_equals)) == 0;
}

bool same_name(const char* a, const char* b) {
  const size_t size = strcspn(a, "=");
  return strncmp(a, b, size) == 0 && b[size] == '=';
}

bool is_wanted(char* const* environment) {
  if (has_own_recording(environment)) return false;
  const char* library = runtime::library();
  return library != nullptr &&
         !tracker::is_error(tracker::system_call(SYS_faccessat, AT_FDCWD, library, 4 /* R_OK */));
}

}  // namespace

bool has_own_recording(char* const* environment) {
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    if (has_name(*environment, kRecording)) return true;
  }
  return false;
}

bool can_record(const char* program, char* const* environment) {
  return program != nullptr && is_wanted(environment) && tracker::can_load_us(program);
}

bool can_record(int program, char* const* environment) {
  return is_wanted(environment) && tracker::can_load_us(program);
}

bool can_record_at(int directory, const char* path, int flags, char* const* environment) {
  if (path == nullptr) return false;
  if (path[0] == '\0') return (flags & AT_EMPTY_PATH) != 0 && can_record(directory, environment);
  if (path[0] == '/' || directory == AT_FDCWD) return can_record(path, environment);
  const long file = tracker::system_call(SYS_openat, directory, path, O_RDONLY | O_CLOEXEC, 0);
  if (tracker::is_error(file)) return false;
  const bool can = can_record(static_cast<int>(file), environment);
  tracker::system_call(SYS_close, file);
  return can;
}

bool can_record_from_path(const char* file, char* const* environment) {
  char path[PATH_MAX];
  return file != nullptr && tracker::find_in_path(file, path, sizeof path) && can_record(path, environment);
}

RecordedEnvironment::RecordedEnvironment(char* const* given)
    : given_(given), hidden_(runtime::hidden_variables(&hidden_count_)) {
  for (; given_ != nullptr && given_[count_] != nullptr; ++count_) {
    if (has_name(given_[count_], kPreload)) preload_ = given_[count_];
  }
  bytes_ = (count_ + hidden_count_ + 2) * sizeof(char*);
  bytes_ += sizeof kPreload + strlen(runtime::library()) + 1 + (preload_ != nullptr ? strlen(preload_) : 0);
}

char** RecordedEnvironment::make(void* memory) {
  char** const made = static_cast<char**>(memory);
  char* const text = reinterpret_cast<char*>(made + count_ + hidden_count_ + 2);
  size_t used = 0;
  for (size_t i = 0; i < hidden_count_; ++i) made[used++] = const_cast<char*>(hidden_[i]);
  if (preload_ == nullptr) made[used++] = text;
  for (size_t i = 0; i < count_; ++i) {
    bool replaced = has_name(given_[i], kPreload);
    for (size_t h = 0; h < hidden_count_ && !replaced; ++h) replaced = same_name(given_[i], hidden_[h]);
    if (given_[i] == preload_) made[used++] = text;  // where it was: the program may see the order
    if (!replaced) made[used++] = given_[i];
  }
  made[used] = nullptr;
  const char* theirs = preload_ != nullptr ? preload_ + sizeof kPreload - 1 : "";
  strcpy(text, kPreload);
  strcat(text, runtime::library());
  if (*theirs != '\0') strcat(text, ":");
  strcat(text, theirs);
  text_ = text;
  return made;
}

bool RecordedEnvironment::is_ours(const char* variable, char** before) const {
  if (variable == text_) {
    *before = const_cast<char*>(preload_);
    return true;
  }
  for (size_t i = 0; i < hidden_count_; ++i) {
    if (variable != hidden_[i]) continue;
    *before = nullptr;
    return true;
  }
  return false;
}

namespace {

size_t whole_pages(size_t bytes) {
  return (bytes + tracker::kPage - 1) / tracker::kPage * tracker::kPage;
}

}  // namespace

MappedEnvironment::MappedEnvironment(char* const* given)
    : content_(given),
      pages_(tracker::map_lasting_pages(whole_pages(content_.bytes()))),
      made_(pages_ != nullptr ? content_.make(pages_) : const_cast<char**>(given)) {}

MappedEnvironment::~MappedEnvironment() {
  if (pages_ != nullptr) tracker::unmap_pages(pages_, whole_pages(content_.bytes()));
}

}  // namespace leakhunt::hooks
