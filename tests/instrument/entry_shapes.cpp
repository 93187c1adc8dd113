// Functions of many shapes, for the test that puts a jump at their entries. Compiled several times, with
// other options each: SHAPES is the prefix of their names.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)
#define SHAPE(name) extern "C" __attribute__((noinline, used)) auto JOIN(SHAPES, name)

namespace {
int counter = 7;
const double factors[4] = {0.5, 1.25, 2.0, 3.75};
}  // namespace

SHAPE(_leaf)(int64_t a, int64_t b)->int64_t {
  return a * 31 + b;
}

SHAPE(_six)(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f)->int64_t {
  return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f;
}

SHAPE(_on_stack)
(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h)->int64_t {
  return a - b + c - d + e - f + 100 * g + 1000 * h;
}

SHAPE(_floats)(double a, float b, double c)->double {
  return a * factors[1] + static_cast<double>(b) * factors[3] - c;
}

SHAPE(_global)(int a)->int {
  counter += a;
  return counter;
}

SHAPE(_early_return)(const char* text)->int64_t {
  if (text == nullptr) return -1;
  int64_t sum = 0;
  for (; *text != '\0'; ++text) sum = sum * 131 + *text;
  return sum;
}

SHAPE(_recursive)(uint32_t n)->uint64_t {
  if (n < 2) return n;
  return JOIN(SHAPES, _recursive)(n - 1) + JOIN(SHAPES, _recursive)(n - 2);
}

SHAPE(_variadic)(int count, ...)->double {
  va_list rest;
  va_start(rest, count);
  double sum = 0;
  for (int i = 0; i < count; ++i) sum += i % 2 == 0 ? va_arg(rest, double) : va_arg(rest, int);
  va_end(rest);
  return sum;
}

struct Large {
  int64_t words[9];
};
SHAPE(_by_memory)(Large large)->Large {
  for (int64_t& word : large.words) word = word * 3 + 1;
  return large;
}

SHAPE(_big_frame)(uint64_t seed)->uint64_t {
  volatile uint8_t bytes[3000];
  for (size_t i = 0; i < sizeof bytes; ++i) bytes[i] = static_cast<uint8_t>(seed + i * i);
  uint64_t sum = 0;
  for (size_t i = 0; i < sizeof bytes; ++i) sum += bytes[i];
  return sum;
}

SHAPE(_callee)(int64_t a)->int64_t {
  return a ^ 0x55;
}
SHAPE(_caller)(int64_t a)->int64_t {
  return JOIN(SHAPES, _callee)(a) + 1;
}

SHAPE(_choice)(unsigned what)->int {
  switch (what) {
    case 0:
      return 10;
    case 1:
      return -4;
    case 2:
      return 77;
    case 3:
      return counter != 0 ? 5 : 6;
    case 4:
      return 1000;
    default:
      return 0;
  }
}

SHAPE(_throws)(int a)->int {
  if (a > 2) throw a;
  return a;
}
