// What a program is, from its file, before exec: only one that can load our library is given our variables.
// In any other they would stay in the environment, and the loader would complain, or refuse to start it.
#pragma once

#include <stddef.h>

namespace leakhunt::tracker {

// A dynamically linked 64-bit program with the same loader as this process, that gains no privileges; or a
// script whose interpreter is one.
bool can_load_us(const char* path);
bool can_load_us(int program);  // an open file

// Where execvp and posix_spawnp would find `file`: itself if it holds a slash, otherwise in PATH. False when
// it is not there.
bool find_in_path(const char* file, char* path, size_t capacity);

}  // namespace leakhunt::tracker
