// Error: why a recording cannot be read or written at all. Damage inside a recording is no error: see Damage
// in run.h.
#pragma once

#include <string>

namespace leakhunt::recording {

// One sentence for the user: the file, what is wrong with it, and the mend.
struct Error {
  std::string message;
};

}  // namespace leakhunt::recording
