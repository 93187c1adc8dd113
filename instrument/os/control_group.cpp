#include "instrument/os/control_group.h"

#include <fcntl.h>
#include <string.h>

#include "instrument/os/small_file.h"
#include "instrument/os/system_call.h"
#include "instrument/os/text.h"

namespace leakhunt::tracker {

namespace {

constexpr uint64_t kNone = GroupRoom::kNone;
constexpr uint64_t kNoLimit = uint64_t{1} << 60;  // version 1 says a number near 2^63 for none

// A file line by line, through somebody's buffer. A line that does not fit is passed over.
class Lines {
 public:
  Lines(const char* path, char* buffer, size_t capacity)
      : buffer_(buffer),
        capacity_(capacity),
        file_(system_call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0)) {}
  ~Lines() {
    if (!is_error(file_)) system_call(SYS_close, file_);
  }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  // Without its end; until the next call. Null at the end of the file.
  char* next() {
    for (;;) {
      if (char* const end = end_of_line()) {
        char* const line = buffer_ + at_;
        *end = '\0';
        at_ = static_cast<size_t>(end - buffer_) + 1;
        if (!in_long_line_) return line;
        in_long_line_ = false;
      } else if (!read_more()) {
        return nullptr;
      }
    }
  }

 private:
  char* end_of_line() { return static_cast<char*>(memchr(buffer_ + at_, '\n', filled_ - at_)); }

  bool read_more() {
    if (is_error(file_)) return false;
    if (at_ == 0 && filled_ == capacity_) {
      in_long_line_ = true;
      at_ = filled_;
    }
    memmove(buffer_, buffer_ + at_, filled_ - at_);
    filled_ -= at_;
    at_ = 0;
    const long got = system_call(SYS_read, file_, buffer_ + filled_, capacity_ - filled_);
    if (got <= 0) return false;
    filled_ += static_cast<size_t>(got);
    return true;
  }

  char* buffer_;
  size_t capacity_;
  long file_;
  size_t at_ = 0;
  size_t filled_ = 0;
  bool in_long_line_ = false;
};

// The text up to `end`, which becomes its end; the rest is left in `text`, null when there is none.
char* take_until(char** text, char end) {
  char* const taken = *text;
  if (taken == nullptr) return nullptr;
  char* const found = strchr(taken, end);
  if (found != nullptr) *found = '\0';
  *text = found != nullptr ? found + 1 : nullptr;
  return taken;
}

// One of "cpu,memory".
bool is_among(const char* word, const char* list) {
  const size_t size = strlen(word);
  while (list != nullptr) {
    if (strncmp(list, word, size) == 0 && (list[size] == ',' || list[size] == '\0')) return true;
    list = strchr(list, ',');
    if (list != nullptr) ++list;
  }
  return false;
}

// Spaces and the like are written as \040.
void replace_escapes(char* text) {
  char* to = text;
  for (const char* from = text; *from != '\0';) {
    const auto is_digit = [&](int i) { return from[i] >= '0' && from[i] <= '7'; };
    if (from[0] == '\\' && is_digit(1) && is_digit(2) && is_digit(3)) {
      *to++ = static_cast<char>((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
      from += 4;
    } else {
      *to++ = *from++;
    }
  }
  *to = '\0';
}

// kNone for "max", and for what is no number.
uint64_t number_in(const char* text) {
  if (*text < '0' || *text > '9') return kNone;
  uint64_t value = 0;
  for (; *text >= '0' && *text <= '9'; ++text) {
    if (__builtin_mul_overflow(value, uint64_t{10}, &value) ||
        __builtin_add_overflow(value, static_cast<uint64_t>(*text - '0'), &value))
      return kNone;
  }
  return value;
}

// Of "name value" lines; 0 when it is not among them.
uint64_t value_among(const char* lines, const char* name) {
  const size_t size = strlen(name);
  while (lines != nullptr && *lines != '\0') {
    if (strncmp(lines, name, size) == 0 && lines[size] == ' ') {
      const uint64_t value = number_in(lines + size + 1);
      return value != kNone ? value : 0;
    }
    lines = strchr(lines, '\n');
    if (lines != nullptr) ++lines;
  }
  return 0;
}

// What of `path` lies below `root`, a group that is mounted; "" when it is the same, or lies elsewhere: then
// what is mounted is the next best, and in a container the right one.
const char* path_below(const char* root, const char* path) {
  if (strncmp(path, "/..", 3) == 0) return "";  // outside of what the process may see
  size_t size = strlen(root);
  if (size == 1) size = 0;
  if (strncmp(root, path, size) != 0 || (path[size] != '/' && path[size] != '\0')) return "";
  return strcmp(path + size, "/") == 0 ? "" : path + size;
}

}  // namespace

// "4:memory:/docker/0a1b" in version 1, "0::/user.slice" in version 2. False when there is none, or when it
// is the one that is known.
bool ControlGroup::find_own_path(const char* root) {
  Text(name_, sizeof name_).put(root).put("/proc/self/cgroup");
  Lines lines(name_, buffer_, sizeof buffer_);
  bool found = false;
  bool is_news = false;
  while (char* rest = lines.next()) {
    const char* number = take_until(&rest, ':');
    const char* controllers = take_until(&rest, ':');
    if (rest == nullptr || strlen(rest) >= sizeof path_) continue;
    const bool unified = strcmp(number, "0") == 0 && *controllers == '\0';
    if (!unified && !is_among("memory", controllers)) continue;
    if (unified && found) continue;  // the memory is with version 1
    is_news = !known_ || unified_ != unified || strcmp(path_, rest) != 0;
    found = true;
    if (!is_news) continue;
    unified_ = unified;
    known_ = false;
    strcpy(path_, rest);
  }
  if (!found) known_ = false;
  return found;
}

// "31 23 0:28 ROOT MOUNTED_AT options shared:1 - cgroup cgroup rw,memory". True when it is the one.
bool ControlGroup::take_mount(char* line) {
  char* fields[5];
  for (char*& field : fields) field = take_until(&line, ' ');
  if (line == nullptr) return false;
  char* type = strstr(line, "- ");
  if (type == nullptr || (type != line && type[-1] != ' ')) return false;
  type += 2;
  const char* const kind = take_until(&type, ' ');
  take_until(&type, ' ');
  if (strcmp(kind, unified_ ? "cgroup2" : "cgroup") != 0) return false;
  if (!unified_ && !is_among("memory", type)) return false;
  char* const group = fields[3];
  char* const mounted_at = fields[4];
  replace_escapes(group);
  replace_escapes(mounted_at);
  Text whole(directory_ + top_, sizeof directory_ - top_);
  whole.put(mounted_at);
  const size_t top = top_ + text_length(directory_ + top_);
  whole.put(path_below(group, path_));
  if (!whole.fits()) return false;
  top_ = top;
  return true;
}

bool ControlGroup::find_directory(const char* root) {
  if (!find_own_path(root)) return false;
  if (known_) return top_ != 0;
  known_ = true;
  Text prefix(directory_, sizeof directory_);
  prefix.put(root);
  top_ = text_length(directory_);
  Text(name_, sizeof name_).put(root).put("/proc/self/mountinfo");
  Lines lines(name_, buffer_, sizeof buffer_);
  while (char* line = lines.next()) {
    if (prefix.fits() && take_mount(line)) return true;
  }
  top_ = 0;  // not to be seen from here
  return false;
}

const char* ControlGroup::path_of(size_t length, const char* name) {
  memcpy(name_, directory_, length);
  Text(name_ + length, sizeof name_ - length).put('/').put(name);
  return name_;
}

uint64_t ControlGroup::read_number(size_t length, const char* name) {
  const size_t bytes = read_small_file(path_of(length, name), buffer_, sizeof buffer_ - 1);
  buffer_[bytes] = '\0';
  return number_in(buffer_);
}

// Files in memory can be read again, whatever they are wanted for: but for those that are mapped, which
// programs run from.
uint64_t ControlGroup::reclaimable(size_t length) {
  const size_t bytes = read_small_file(path_of(length, "memory.stat"), buffer_, sizeof buffer_ - 1);
  buffer_[bytes] = '\0';
  const uint64_t inactive = value_among(buffer_, unified_ ? "inactive_file" : "total_inactive_file");
  const uint64_t active = value_among(buffer_, unified_ ? "active_file" : "total_active_file");
  const uint64_t mapped = value_among(buffer_, unified_ ? "file_mapped" : "total_mapped_file");
  uint64_t sum = 0;
  if (__builtin_add_overflow(inactive, active > mapped ? active - mapped : 0, &sum)) return 0;
  return sum;
}

// Beyond memory.high the kernel ends nobody, but it holds everybody up.
ControlGroup::Level ControlGroup::look_at_level(size_t length) {
  uint64_t limit = read_number(length, unified_ ? "memory.max" : "memory.limit_in_bytes");
  if (unified_) {
    const uint64_t high = read_number(length, "memory.high");
    if (high < limit) limit = high;
  }
  if (limit >= kNoLimit) return {kNone, kNone};
  uint64_t used = read_number(length, unified_ ? "memory.current" : "memory.usage_in_bytes");
  if (used == kNone) return {kNone, kNone};
  const uint64_t files = reclaimable(length);
  used = used > files ? used - files : 0;
  return {limit, limit > used ? limit - used : 0};
}

uint32_t ControlGroup::count_processes(size_t length) {
  Lines lines(path_of(length, "cgroup.procs"), buffer_, sizeof buffer_);
  uint32_t count = 0;
  while (count < kMostProcesses && lines.next() != nullptr) ++count;
  return count != 0 ? count : 1;
}

GroupRoom ControlGroup::look(const char* root) {
  GroupRoom room;
  if (!find_directory(root)) return room;
  const size_t own = text_length(directory_);
  for (size_t length = own; length >= top_; --length) {
    if (length != own && length != top_ && directory_[length] != '/') continue;
    const Level level = look_at_level(length);
    if (level.left >= room.left) continue;
    room.limit = level.limit;
    room.left = level.left;
    if (length == 0) break;
  }
  if (room.is_limited()) room.processes = count_processes(own);
  return room;
}

}  // namespace leakhunt::tracker
