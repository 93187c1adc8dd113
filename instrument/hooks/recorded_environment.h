// The environment for a program that is to be recorded: what it was given, our variables, and our library in
// front of what LD_PRELOAD named.
//
//   memory := environment' | null | text        environment' points to what was given, to hidden_variables(),
//                                               and to text: "LD_PRELOAD=ours:theirs"
#pragma once

#include <stddef.h>

namespace leakhunt::hooks {

// Whether a program would be recorded if it were given ours as well: it can load our library, which is there,
// and nobody has given it a recording of its own.
bool can_record(const char* program, char* const* environment);
bool can_record(int program, char* const* environment);  // an open file
// As execveat does: an open file, or a path from there.
bool can_record_at(int directory, const char* path, int flags, char* const* environment);
// As execvp and posix_spawnp find it.
bool can_record_from_path(const char* file, char* const* environment);

// Whether somebody gave the program a recording of its own.
bool has_own_recording(char* const* environment);

class RecordedEnvironment {
 public:
  explicit RecordedEnvironment(char* const* given);

  // What make() needs, aligned for a pointer.
  size_t bytes() const { return bytes_; }
  char** make(void* memory);

  // After make(): whether a variable is ours; then `before` is what was in its place, or null.
  bool is_ours(const char* variable, char** before) const;

 private:
  char* const* given_;
  size_t count_ = 0;               // of given_
  const char* preload_ = nullptr;  // given
  size_t hidden_count_ = 0;
  const char* const* hidden_;  // made after its count
  size_t bytes_ = 0;
  const char* text_ = nullptr;
};

// The same on pages of its own, for as long as it lives. They last in a child that another thread forks
// meanwhile: `environ` may lead to them.
class MappedEnvironment {
 public:
  explicit MappedEnvironment(char* const* given);
  ~MappedEnvironment();
  MappedEnvironment(const MappedEnvironment&) = delete;
  MappedEnvironment& operator=(const MappedEnvironment&) = delete;

  // What was given, if there is no memory.
  char** get() const { return made_; }
  const RecordedEnvironment& content() const { return content_; }

 private:
  RecordedEnvironment content_;
  void* pages_;
  char** made_;
};

}  // namespace leakhunt::hooks
