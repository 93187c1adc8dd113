// plain_seams: the seams of a program that nobody watches.
#include "lib/trainer/seams.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

Seams& subject_seams() {
  static Seams seams;
  return seams;
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
