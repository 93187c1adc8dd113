// The runtime: start and stop of the tracker with the process, and leakhunt.h. The only file here that sees
// all rooms.
//
// It starts when LEAKHUNT_RECORDING names a file and LEAKHUNT_PID, if there, is this process: children
// inherit neither a recording nor the variables, since both are taken out of the environment before the
// program looks at it.
#include "instrument/runtime.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "instrument/hooks/real_functions.h"
#include "instrument/leakhunt.h"
#include "instrument/os/pages.h"
#include "instrument/os/system_call.h"
#include "instrument/tracker/tracker.h"

namespace leakhunt::runtime {

using recording::EndKind;
using tracker::Settings;

namespace {

constexpr uint64_t kDefaultTickMs = 100;
constexpr uint64_t kDefaultMaxFrames = 128;
constexpr size_t kMaxHidden = 8;
const char kLibrary[] = "libleakhunt.so";

const char* hidden[kMaxHidden];
size_t hidden_count = 0;

// The value of NAME in "NAME=value", or null for another variable.
const char* value_of(const char* variable, const char* name) {
  const size_t size = strlen(name);
  return strncmp(variable, name, size) == 0 && variable[size] == '=' ? variable + size + 1 : nullptr;
}

uint64_t number_or(const char* text, uint64_t otherwise) {
  if (text == nullptr || *text < '0' || *text > '9') return otherwise;
  uint64_t value = 0;
  for (; *text >= '0' && *text <= '9'; ++text) value = value * 10 + static_cast<uint64_t>(*text - '0');
  return value;
}

// A copy on our own pages: the original is about to be changed.
const char* keep(const char* text) {
  const size_t bytes = strlen(text) + 1;
  char* copy =
      static_cast<char*>(tracker::map_pages((bytes + tracker::kPage - 1) / tracker::kPage * tracker::kPage));
  if (copy != nullptr) memcpy(copy, text, bytes);
  return copy;
}

// Takes our library out of "LD_PRELOAD=a:b c", in place. False when nothing else is left.
bool remove_library(char* variable) {
  char* const list = variable + strlen("LD_PRELOAD=");
  char* to = list;
  for (const char* from = list; *from != '\0';) {
    const size_t size = strcspn(from, ": ");
    const char* name = from;
    for (size_t i = 0; i < size; ++i) {
      if (from[i] == '/') name = from + i + 1;
    }
    const bool ours = static_cast<size_t>(from + size - name) == strlen(kLibrary) &&
                      strncmp(name, kLibrary, strlen(kLibrary)) == 0;
    if (!ours && size != 0) {
      if (to != list) *to++ = ':';
      memmove(to, from, size);
      to += size;
    }
    from += size;
    if (*from != '\0') ++from;
  }
  *to = '\0';
  return to != list;
}

struct Variables {
  const char* recording;
  const char* pid;
  const char* interval_ms;
  const char* max_frames;
  const char* unwinder;
};

// Reads our variables and takes them out of the environment.
Variables take_variables(char** environment) {
  Variables found{};
  const struct {
    const char* name;
    const char** value;
  } ours[] = {{"LEAKHUNT_RECORDING", &found.recording},
              {"LEAKHUNT_PID", &found.pid},
              {"LEAKHUNT_INTERVAL_MS", &found.interval_ms},
              {"LEAKHUNT_MAX_FRAMES", &found.max_frames},
              {"LEAKHUNT_UNWINDER", &found.unwinder}};
  char** to = environment;
  for (char** from = environment; *from != nullptr; ++from) {
    bool stays = true;
    for (const auto& variable : ours) {
      const char* value = value_of(*from, variable.name);
      if (value == nullptr || hidden_count == kMaxHidden) continue;
      hidden[hidden_count++] = *from;
      *variable.value = value;
      stays = false;
    }
    if (value_of(*from, "LD_PRELOAD") != nullptr && strstr(*from, kLibrary) != nullptr &&
        hidden_count < kMaxHidden) {
      const char* original = keep(*from);
      if (original != nullptr) {
        hidden[hidden_count++] = original;
        stays = remove_library(*from);
      }
    }
    if (stays) *to++ = *from;
  }
  *to = nullptr;
  return found;
}

struct Unwinder {
  const char* name;
  const char* for_people;
  tracker::Capture capture;
};

// The first one when there is no such name: what leakhunt launches says a known one.
const Unwinder& unwinder_called(const char* name) {
  static constexpr Unwinder kUnwinders[] = {{"cfi", "cfi rules", tracker::capture_by_cfi_rules},
                                            {"fp", "frame pointers", tracker::capture_by_frame_pointers},
                                            {"none", "none", tracker::capture_nothing}};
  for (const Unwinder& unwinder : kUnwinders) {
    if (name != nullptr && strcmp(name, unwinder.name) == 0) return unwinder;
  }
  return kUnwinders[0];
}

void complain(const char* recording, int error) {
  const char* parts[] = {"leakhunt: nothing is recorded: ", recording, ": ", strerrordesc_np(error),
                         "; the program goes on\n"};
  for (const char* part : parts) tracker::system_call(SYS_write, 2, part, strlen(part));
}

__attribute__((constructor(101))) void constructed() {
  hooks::ready();
  start();
}

__attribute__((destructor(101))) void destructed() {
  tracker::tracker.stop(EndKind::kExit);
}

}  // namespace

void start() {
  static bool started = false;
  if (started || environ == nullptr) return;
  started = true;
  if (hooks::attached()) return;  // into a running program: its environment stays as it is
  const Variables variables = take_variables(environ);
  if (variables.recording == nullptr) return;
  const uint64_t pid = static_cast<uint64_t>(tracker::system_call(SYS_getpid));
  if (number_or(variables.pid, pid) != pid) return;

  Settings settings{};
  settings.recording = variables.recording;
  set_unwinder(variables.unwinder, &settings);
  settings.max_frames = number_or(variables.max_frames, kDefaultMaxFrames);
  settings.tick_ns = number_or(variables.interval_ms, kDefaultTickMs) * 1'000'000;
  const int error = tracker::tracker.start(settings);
  if (error != 0) complain(variables.recording, error);
}

void set_unwinder(const char* name, Settings* settings) {
  const Unwinder& unwinder = unwinder_called(name);
  settings->capture = unwinder.capture;
  settings->unwinder = unwinder.for_people;
}

const char* const* hidden_variables(size_t* count) {
  *count = hidden_count;
  return hidden;
}

}  // namespace leakhunt::runtime

// --- leakhunt.h

using leakhunt::tracker::Pool;
using leakhunt::tracker::TagId;
using leakhunt::tracker::tracker;

extern "C" leakhunt_tag_id leakhunt_tag(const char* name) {
  return static_cast<leakhunt_tag_id>(tracker.intern_tag(name));
}

extern "C" leakhunt_tag_id leakhunt_tag_switch(leakhunt_tag_id tag) {
  return static_cast<leakhunt_tag_id>(tracker.switch_tag(static_cast<TagId>(tag)));
}

extern "C" void leakhunt_iteration(uint64_t number) {
  tracker.mark_iteration(number);
}

extern "C" leakhunt_pool* leakhunt_pool_create(leakhunt_tag_id tag) {
  return reinterpret_cast<leakhunt_pool*>(tracker.create_pool(static_cast<TagId>(tag)));
}

extern "C" void leakhunt_pool_allocate(leakhunt_pool* pool, size_t size) {
  if (pool != nullptr) tracker.on_pool_alloc(reinterpret_cast<Pool*>(pool), size, __builtin_frame_address(0));
}

extern "C" void leakhunt_pool_reset(leakhunt_pool* pool) {
  if (pool != nullptr) tracker.on_pool_reset(reinterpret_cast<Pool*>(pool));
}

extern "C" void leakhunt_pool_destroy(leakhunt_pool* pool) {
  if (pool != nullptr) tracker.destroy_pool(reinterpret_cast<Pool*>(pool));
}
