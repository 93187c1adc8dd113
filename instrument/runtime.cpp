// The runtime: start and stop of the tracker with the process, and leakhunt.h. The only file here that sees
// all rooms.
//
// It starts when LEAKHUNT_RECORDING names a file and LEAKHUNT_PID, if there, is this process; in another
// process with a file of its own in LEAKHUNT_PROCESSES, if that is there. All of them are taken out of the
// environment before the program looks at it, and put back for programs that are to be recorded
// (process_hooks.cpp).
//
// Children by fork are followed by a handler that runs in the child before any other (pthread_atfork), so
// that fork is seen wherever it is called from: in forkpty and daemon, too. Children by clone or syscall()
// are followed where libc's functions are hooked (clone_hooks.cpp). Not by a system call of the program's
// own: those find the tracker switched off (tracker.h).
#include "instrument/runtime.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "instrument/hooks/iteration_entry.h"
#include "instrument/hooks/output_entries.h"
#include "instrument/hooks/real_functions.h"
#include "instrument/leakhunt.h"
#include "instrument/os/memory_limit.h"
#include "instrument/os/pages.h"
#include "instrument/os/proc_self.h"
#include "instrument/os/process_file.h"
#include "instrument/os/standard_error.h"
#include "instrument/os/system_call.h"
#include "instrument/os/text.h"
#include "instrument/tracker/tracker.h"

namespace leakhunt::runtime {

using recording::EndKind;
using recording::MarkedBy;
using tracker::Settings;

namespace {

constexpr uint64_t kDefaultTickMs = 100;
constexpr uint64_t kDefaultMaxFrames = 128;
constexpr size_t kMaxHidden = 16;
const char kLibrary[] = "libleakhunt.so";
const char kRecordingVariable[] = "LEAKHUNT_RECORDING=";
const char kPidVariable[] = "LEAKHUNT_PID=";

const char* hidden[kMaxHidden];
size_t hidden_count = 0;
const char* library_path = nullptr;

// --- children

Settings settings{};
const char* processes = nullptr;  // the directory for their recordings; null: they are not followed
// What the hidden variables say in a process with a file of its own.
char own_recording[sizeof kRecordingVariable + PATH_MAX];
char own_pid[sizeof kPidVariable + 20];
__attribute__((tls_model("initial-exec"))) thread_local tracker::ForkNote fork_note;

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

// Room for copies of what is about to be changed, or may be overwritten by a program that writes its title
// over its arguments and environment.
char* keep_bytes(size_t bytes) {
  constexpr size_t kAtOnce = 4 * tracker::kPage;
  static char* at = nullptr;
  static size_t left = 0;
  if (bytes > left) {
    left = bytes > kAtOnce ? (bytes + tracker::kPage - 1) / tracker::kPage * tracker::kPage : kAtOnce;
    at = static_cast<char*>(tracker::map_lasting_pages(left));
    if (at == nullptr) left = 0;
  }
  if (bytes > left) return nullptr;
  char* kept = at;
  at += bytes;
  left -= bytes;
  return kept;
}

const char* keep(const char* text, size_t size) {
  char* copy = keep_bytes(size + 1);
  if (copy == nullptr) return nullptr;
  memcpy(copy, text, size);
  copy[size] = '\0';
  return copy;
}

// Takes our library out of "LD_PRELOAD=a:b c", in place, and notes its path. False when nothing else is left.
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
    if (ours) library_path = keep(from, size);
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
  const char* iteration_entry;
  const char* iteration_lines;
  const char* iteration_what;
  const char* iteration_write;
  const char* iteration_writev;
  const char* loader_entry;
  const char* processes;
  const char* by_thread;
  const char* graph;
  const char* tracker_memory;
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
              {"LEAKHUNT_UNWINDER", &found.unwinder},
              {"LEAKHUNT_ITERATION_ENTRY", &found.iteration_entry},
              {"LEAKHUNT_ITERATION_LINES", &found.iteration_lines},
              {"LEAKHUNT_ITERATION_WHAT", &found.iteration_what},
              {"LEAKHUNT_ITERATION_WRITE", &found.iteration_write},
              {"LEAKHUNT_ITERATION_WRITEV", &found.iteration_writev},
              {"LEAKHUNT_LOADER_ENTRY", &found.loader_entry},
              {"LEAKHUNT_PROCESSES", &found.processes},
              {"LEAKHUNT_BY_THREAD", &found.by_thread},
              {"LEAKHUNT_GRAPH", &found.graph},
              {"LEAKHUNT_TRACKER_MEMORY", &found.tracker_memory}};
  char** to = environment;
  for (char** from = environment; *from != nullptr; ++from) {
    bool stays = true;
    for (const auto& variable : ours) {
      const char* value = value_of(*from, variable.name);
      if (value == nullptr || hidden_count == kMaxHidden) continue;
      const char* kept = keep(*from, strlen(*from));
      if (kept == nullptr) continue;
      hidden[hidden_count++] = kept;
      *variable.value = kept + (value - *from);
      stays = false;
    }
    if (value_of(*from, "LD_PRELOAD") != nullptr && strstr(*from, kLibrary) != nullptr)
      stays = remove_library(*from);
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

// Who marks the iterations, if not the program.
void choose_marks(const Variables& variables) {
  settings.marked_what = variables.iteration_what != nullptr ? variables.iteration_what : "";
  if (variables.iteration_entry != nullptr) settings.marked_by = MarkedBy::kEntries;
  if (variables.iteration_lines == nullptr) return;
  settings.marked_by = MarkedBy::kLines;
  settings.lines = static_cast<const uint64_t*>(tracker::map_file_page(variables.iteration_lines));
}

void begin_marks(const Variables& variables) {
  if (settings.marked_by == MarkedBy::kEntries) {
    hooks::watch_entries(variables.iteration_entry, variables.loader_entry);
  } else if (settings.marked_by == MarkedBy::kLines) {
    const bool readable = settings.lines != nullptr;
    tracker::tracker.marks_are(readable, readable ? "" : "the tracker cannot read how many lines there were");
    if (readable) hooks::watch_output(variables.iteration_write, variables.iteration_writev);
  }
}

void complain(const char* recording, int error) {
  const char* parts[] = {"leakhunt: nothing is recorded: ", recording, ": ", strerrordesc_np(error),
                         "; the program goes on\n",         nullptr};
  tracker::write_to_standard_error(parts);
}

// Puts `variable` in the place of the hidden one of the same name.
void replace_hidden(const char* variable) {
  const size_t name = strcspn(variable, "=") + 1;
  for (size_t i = 0; i < hidden_count; ++i) {
    if (strncmp(hidden[i], variable, name) != 0) continue;
    hidden[i] = variable;
    return;
  }
  if (hidden_count < kMaxHidden) hidden[hidden_count++] = variable;
}

// A file of this process's own, which the program it may become by exec goes on with. 0 or an errno.
int open_own_recording(uint64_t pid) {
  memcpy(own_recording, kRecordingVariable, sizeof kRecordingVariable);
  char* const path = own_recording + sizeof kRecordingVariable - 1;
  const int error = tracker::create_process_file(processes, pid, path, PATH_MAX);
  if (error != 0) return error;
  tracker::Text(own_pid, sizeof own_pid).put(kPidVariable).put(pid);
  replace_hidden(own_recording);
  replace_hidden(own_pid);
  settings.recording = path;
  settings.one_of_many = true;
  return 0;
}

void note_own_malloc() {
  if (!hooks::heap_is_hooked()) tracker::tracker.note_own_malloc();
  if (hooks::allocator_begin != 0) tracker::tracker.heap_is_foreign();
}

void before_fork() {
  fork_note = tracker::tracker.note_fork();
}

// Of a child that is not recorded little is said. A directory that is gone is a run that is over. A limit on
// the size of files may hold for stderr, too, and a line there would be the child's death by SIGXFSZ.
void complain_in_child(int error) {
  if (error != 0 && error != ENOENT && error != EFBIG) complain(processes, error);
}

void in_forked_child() {
  if (!fork_note.recorded) return;
  int error = open_own_recording(static_cast<uint64_t>(tracker::system_call(SYS_getpid)));
  settings.parent_pid = fork_note.parent_pid;
  if (error == 0) error = tracker::tracker.start_in_child(settings, fork_note);
  const bool marked = settings.marked_by == MarkedBy::kEntries || settings.lines != nullptr;
  if (error == 0 && marked) tracker::tracker.marks_are(true, "");
  if (error == 0) note_own_malloc();
  complain_in_child(error);
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
  const uint64_t pid = static_cast<uint64_t>(tracker::system_call(SYS_getpid));
  const bool follows = variables.pid != nullptr && variables.processes != nullptr;
  const bool is_child = number_or(variables.pid, pid) != pid;
  if (is_child ? !follows : variables.recording == nullptr) return;

  settings.recording = variables.recording;
  set_unwinder(variables.unwinder, &settings);
  settings.max_frames = number_or(variables.max_frames, kDefaultMaxFrames);
  settings.tick_ns = number_or(variables.interval_ms, kDefaultTickMs) * 1'000'000;
  settings.by_thread = variables.by_thread != nullptr && strcmp(variables.by_thread, "1") == 0;
  settings.graph = graph_plan(variables.graph);
  tracker::bound_tables(number_or(variables.tracker_memory, 0));
  tracker::remember_standard_error();
  int error = 0;
  if (follows) {
    processes = variables.processes;
    settings.one_of_many =
        variables.recording != nullptr && strncmp(variables.recording, processes, strlen(processes)) == 0;
  }
  // The variable names the process that started this one, and that may have ended since.
  settings.parent_pid =
      is_child ? number_or(variables.pid, 0) : static_cast<uint64_t>(tracker::system_call(SYS_getppid));
  if (is_child) {
    error = open_own_recording(pid);
  } else {
    choose_marks(variables);  // they speak of the program that was started
  }
  if (error == 0) error = tracker::tracker.start(settings);
  if (error == 0 && !is_child) begin_marks(variables);
  if (error == 0) note_own_malloc();
  if (is_child) {
    complain_in_child(error);
  } else if (error != 0) {
    complain(settings.recording, error);
  }
  if (error == 0 && follows) pthread_atfork(before_fork, nullptr, in_forked_child);
}

pid_t fork_without_handlers(pid_t (*really)()) {
  if (processes == nullptr) return really();
  before_fork();
  const pid_t child = really();
  if (child == 0) in_forked_child();
  return child;
}

void before_fork_without_handlers() {
  if (processes != nullptr) before_fork();
}

void in_child_without_handlers() {
  if (processes != nullptr) in_forked_child();
}

bool follows_children() {
  return processes != nullptr;
}

const char* library() {
  if (library_path != nullptr) return library_path;
  tracker::LoadedObject self{};  // the program is linked with us
  const bool found = tracker::find_loaded_object(reinterpret_cast<uintptr_t>(&library), &self);
  return found && self.name[0] == '/' ? self.name : nullptr;
}

void set_unwinder(const char* name, Settings* chosen) {
  const Unwinder& unwinder = unwinder_called(name);
  chosen->capture = unwinder.capture;
  chosen->unwinder = unwinder.for_people;
}

tracker::GraphPlan graph_plan(const char* text) {
  using When = tracker::GraphPlan::When;
  if (text == nullptr) return {When::kGrowth, 0};
  if (strcmp(text, "off") == 0) return {When::kNever, 0};
  if (strcmp(text, "exit") == 0) return {When::kExit, 0};
  if (strcmp(text, "auto+exit") == 0) return {When::kGrowth, 0, true};
  const char* every = value_of(text, "every");
  const uint64_t iterations = number_or(every, 0);
  if (iterations == 0 || iterations > UINT32_MAX) return {When::kGrowth, 0};
  return {When::kEvery, static_cast<uint32_t>(iterations)};
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

extern "C" int leakhunt_heap_use(leakhunt_heap_counters* counters, int restart_peak) {
  leakhunt::tracker::HeapUse use;
  if (!tracker.heap_use(&use, restart_peak != 0)) return 0;
  const leakhunt::recording::Counters& sum = use.counters;
  *counters = {sum.allocations, sum.allocated_bytes, sum.frees, sum.freed_bytes, use.peak_bytes};
  return 1;
}
