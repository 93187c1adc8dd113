// The seed of a randomised test: the same each time, or LEAKHUNT_TEST_SEED. Printed with every failure by
// `<< seed` or SCOPED_TRACE(seed).
#pragma once

#include <cstdint>
#include <cstdlib>
#include <ostream>

namespace leakhunt::recording {

struct Seed {
  uint64_t value = 20240229;
  Seed() {
    if (const char* given = std::getenv("LEAKHUNT_TEST_SEED")) value = std::strtoull(given, nullptr, 10);
  }
};

inline std::ostream& operator<<(std::ostream& out, const Seed& seed) {
  return out << "LEAKHUNT_TEST_SEED=" << seed.value << " ";
}

}  // namespace leakhunt::recording
