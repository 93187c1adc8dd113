// A jump at the entry of functions: they do what they did, every entry is counted, and no register is
// changed.
#include "instrument/os/entry_patch.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "scenarios/runner/entry_text.h"
#include "scenarios/runner/iteration_symbol.h"

struct Large {
  int64_t words[9];
};

#define DECLARE(prefix)                                                                              \
  extern "C" {                                                                                       \
  int64_t prefix##_leaf(int64_t, int64_t);                                                           \
  int64_t prefix##_six(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t);                        \
  int64_t prefix##_on_stack(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t); \
  double prefix##_floats(double, float, double);                                                     \
  int prefix##_global(int);                                                                          \
  int64_t prefix##_early_return(const char*);                                                        \
  uint64_t prefix##_recursive(uint32_t);                                                             \
  double prefix##_variadic(int, ...);                                                                \
  Large prefix##_by_memory(Large);                                                                   \
  uint64_t prefix##_big_frame(uint64_t);                                                             \
  int64_t prefix##_caller(int64_t);                                                                  \
  int prefix##_choice(unsigned);                                                                     \
  int prefix##_throws(int);                                                                          \
  }
DECLARE(plain)
DECLARE(fast)
DECLARE(guarded)

// Where the registers go that a function finds at its entry: rax, rcx, rdx, rbx, rsi, rdi, rbp, r8 ... r15,
// flags, and ymm0 to ymm15.
struct Registers {
  uint64_t general[15];
  uint64_t flags;
  uint8_t vectors[16][32];
};
extern "C" {
Registers before_entry;
Registers at_entry;
void store_registers();                       // patched: writes what it finds to at_entry
void fill_registers_and_call(uint64_t seed);  // fills, writes to before_entry, calls
}

namespace leakhunt::tracker {
namespace {

std::atomic<uint64_t> entries{0};

// What the tracker's own code may do at most: everything that the calling convention lets it change.
__attribute__((noinline)) void entered(uint64_t /*first*/, uint64_t /*second*/, uint64_t /*third*/) {
  entries.fetch_add(1);
  __asm__ volatile(
      "vpcmpeqd %%ymm0, %%ymm0, %%ymm0\n vmovdqa %%ymm0, %%ymm1\n vmovdqa %%ymm0, %%ymm7\n"
      "vmovdqa %%ymm0, %%ymm12\n vmovdqa %%ymm0, %%ymm15\n vzeroupper\n"
      "mov $-1, %%rax\n mov %%rax, %%rcx\n mov %%rax, %%rdx\n mov %%rax, %%rsi\n mov %%rax, %%rdi\n"
      "mov %%rax, %%r8\n mov %%rax, %%r9\n mov %%rax, %%r10\n mov %%rax, %%r11\n"
      "xor %%eax, %%eax\n" ::
          : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0", "xmm1", "xmm7", "xmm12",
            "xmm15", "cc", "memory");
}

uintptr_t own_bias() {
  return _r_debug.r_map->l_addr;  // the executable is the first of all modules
}

// The function of this program, by name; what is wrong otherwise.
std::string watch(const std::string& function, EntryPatch& patch) {
  const auto program = std::filesystem::read_symlink("/proc/self/exe");
  const auto found = runner::find_iteration_symbol(program, function);
  if (!found) return found.error();
  if (!patch.parse(found->function.c_str())) return "not understood: " + found->function;
  const char* obstacle = patch.apply(own_bias(), entered);
  return obstacle == nullptr ? "" : obstacle;
}

std::string watch(const std::string& function) {
  EntryPatch patch;
  return watch(function, patch);
}

struct Shape {
  std::string function;
  uint64_t entries;                     // that one call makes
  std::function<std::string()> result;  // of one call
};

Large large() {
  return {{1, 2, 3, 4, 5, 6, 7, 8, 9}};
}

std::string text_of(const Large& value) {
  std::string text;
  for (const int64_t word : value.words) text += std::to_string(word) + " ";
  return text;
}

std::string outcome_of(int (*throws)(int), int value) {
  try {
    return std::to_string(throws(value));
  } catch (int thrown) {
    return "thrown " + std::to_string(thrown);
  }
}

#define SHAPES_OF(prefix)                                                                                 \
  {#prefix "_leaf", 1, [] { return std::to_string(prefix##_leaf(3, 4)); }},                               \
      {#prefix "_six", 1, [] { return std::to_string(prefix##_six(1, 2, 3, 4, 5, 6)); }},                 \
      {#prefix "_on_stack", 1, [] { return std::to_string(prefix##_on_stack(1, 2, 3, 4, 5, 6, 7, 8)); }}, \
      {#prefix "_floats", 1, [] { return std::to_string(prefix##_floats(1.5, 2.5F, 0.25)); }},            \
      {#prefix "_global", 1, [] { return std::to_string(prefix##_global(0)); }},                          \
      {#prefix "_early_return", 1, [] { return std::to_string(prefix##_early_return("entry")); }},        \
      {#prefix "_variadic", 1, [] { return std::to_string(prefix##_variadic(4, 1.5, 2, 3.25, 4)); }},     \
      {#prefix "_by_memory", 1, [] { return text_of(prefix##_by_memory(large())); }},                     \
      {#prefix "_big_frame", 1, [] { return std::to_string(prefix##_big_frame(11)); }},                   \
      {#prefix "_caller", 1, [] { return std::to_string(prefix##_caller(40)); }},                         \
      {#prefix "_choice", 1, [] { return std::to_string(prefix##_choice(2)); }}, {                        \
#prefix "_throws", 1, [] { return outcome_of(prefix##_throws, 9); }                                   \
  }

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all = {SHAPES_OF(plain), SHAPES_OF(fast), SHAPES_OF(guarded)};
  return all;
}

TEST(EntryPatch, FunctionsOfEveryShapeDoWhatTheyDidAndAreCounted) {
  size_t watched = 0;
  for (const Shape& shape : shapes()) {
    SCOPED_TRACE(shape.function);
    const std::string before = shape.result();
    const std::string problem = watch(shape.function);
    if (!problem.empty()) {
      // The one honest reason: a loop of the function comes back to its first instructions.
      EXPECT_NE(problem.find("a loop begins there"), std::string::npos) << problem;
      EXPECT_EQ(shape.result(), before);
      continue;
    }
    ++watched;
    for (int i = 0; i < 3; ++i) {
      entries = 0;
      EXPECT_EQ(shape.result(), before);
      EXPECT_EQ(entries, shape.entries);
    }
  }
  EXPECT_GE(watched + 3, shapes().size());
}

TEST(EntryPatch, EveryEntryOfARecursionCounts) {
  const uint64_t before = plain_recursive(12);
  ASSERT_EQ(watch("plain_recursive"), "");
  entries = 0;
  EXPECT_EQ(plain_recursive(12), before);
  EXPECT_EQ(entries, 465u);  // 2 F(13) - 1
}

TEST(EntryPatch, EightThreadsAtOnceLoseNoEntry) {
  ASSERT_EQ(watch("guarded_recursive"), "");
  entries = 0;
  std::atomic<uint64_t> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 200; ++k) wrong += guarded_recursive(8) == 21 ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0u);
  // The optimiser may have made loops of some of the calls: what one thread does alone, eight do eight times.
  const uint64_t together = entries;
  entries = 0;
  for (int k = 0; k < 200; ++k) guarded_recursive(8);
  EXPECT_EQ(together, 8 * entries);
}

TEST(EntryPatch, NoRegisterAndNoFlagIsChanged) {
  if (!__builtin_cpu_supports("avx")) GTEST_SKIP() << "this machine has no AVX";
  ASSERT_EQ(watch("store_registers"), "");
  for (uint64_t seed = 1; seed < 50; ++seed) {
    entries = 0;
    fill_registers_and_call(seed * 0x9E3779B97F4A7C15u);
    ASSERT_EQ(entries, 1u);
    for (size_t i = 0; i < 15; ++i)
      EXPECT_EQ(at_entry.general[i], before_entry.general[i]) << "register " << i;
    EXPECT_EQ(at_entry.flags, before_entry.flags);
    EXPECT_EQ(memcmp(at_entry.vectors, before_entry.vectors, sizeof at_entry.vectors), 0);
  }
}

struct Arguments {
  uint64_t first;
  uint64_t second;
  uint64_t third;
};
std::vector<Arguments> writes;

const link_map* libc() {
  for (const link_map* module = _r_debug.r_map; module != nullptr; module = module->l_next) {
    if (std::filesystem::path(module->l_name).filename() == "libc.so.6") return module;
  }
  return nullptr;
}

// As --iteration-regex has it, where stdio calls it inside libc.
TEST(EntryPatch, OfLibcsWriteIsGivenItsArguments) {
  ASSERT_NE(libc(), nullptr);
  EntryPatch patch;
  ASSERT_TRUE(patch.parse(runner::entry_text(libc()->l_name, "write").c_str()));
  const auto note = [](uint64_t first, uint64_t second, uint64_t third) {
    if (first > 2) writes.push_back({first, second, third});  // not the test's own output
    errno = 0;
  };
  writes.reserve(8);
  ASSERT_STREQ(patch.apply(libc()->l_addr, note, Registers::kGeneral), nullptr);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_EQ(write(ends[1], "words", 5), 5);
  FILE* stream = fdopen(ends[1], "w");
  fputs("lines\n", stream);
  fclose(stream);
  char read_back[16] = {};
  EXPECT_EQ(read(ends[0], read_back, sizeof read_back), 11);
  EXPECT_STREQ(read_back, "wordslines\n");
  close(ends[0]);
  ASSERT_EQ(writes.size(), 2u);
  EXPECT_EQ(writes[0].first, static_cast<uint64_t>(ends[1]));
  EXPECT_EQ(writes[0].third, 5u);
  EXPECT_EQ(writes[1].third, 6u);
  EXPECT_EQ(write(999, "", 1), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST(EntryPatch, RefusesMemoryThatIsNotTheFile) {
  EntryPatch patch;
  ASSERT_EQ(watch("fast_recursive", patch), "");
  const uint64_t before = fast_recursive(10);
  EXPECT_STREQ(patch.apply(own_bias(), entered),
               "its code in memory is not that of its file");  // ours, by now
  EXPECT_EQ(fast_recursive(10), before);
}

TEST(EntryPatch, UnderstandsItsTextOrSaysNo) {
  EntryPatch patch;
  EXPECT_TRUE(patch.parse("801 1a 2060 c366662e0f c3 -"));
  EXPECT_EQ(patch.device(), 0x801u);
  EXPECT_EQ(patch.inode(), 0x1au);
  for (const char* text : {"", "801", "801 1a 2060 c3 c3 -", "801 1a 2060 c366662e0f c3 r0:10,",
                           "801 1a 2060 c366662e0f c3", "801 1a 2060 c366662e0f  -",
                           "x 1a 2060 c366662e0f c3 -", "801 1a 2060 c366662e0f e900000000 r1:10"}) {
    EXPECT_FALSE(patch.parse(text)) << text;
  }
}

}  // namespace
}  // namespace leakhunt::tracker

#define STORE_VECTOR(base, n) "vmovdqu %ymm" #n ", " base "+128+32*" #n "(%rip)\n"
#define LOAD_VECTOR(base, n) "vmovdqu " base "+128+32*" #n "(%rip), %ymm" #n "\n"
#define ALL_VECTORS(do, base)                                                                       \
  do                                                                                                \
  (base, 0) do(base, 1) do(base, 2) do(base, 3) do(base, 4) do(base, 5) do(base, 6) do(base, 7) do( \
      base, 8) do(base, 9) do(base, 10) do(base, 11) do(base, 12) do(base, 13) do(base, 14) do(base, 15)
#define STORE_GENERAL(base)                                                     \
  "mov %rax, " base "(%rip)\n mov %rcx, " base "+8(%rip)\n mov %rdx, " base     \
  "+16(%rip)\n"                                                                 \
  "mov %rbx, " base "+24(%rip)\n mov %rsi, " base "+32(%rip)\n mov %rdi, " base \
  "+40(%rip)\n"                                                                 \
  "mov %rbp, " base "+48(%rip)\n mov %r8, " base "+56(%rip)\n mov %r9, " base   \
  "+64(%rip)\n"                                                                 \
  "mov %r10, " base "+72(%rip)\n mov %r11, " base "+80(%rip)\n mov %r12, " base \
  "+88(%rip)\n"                                                                 \
  "mov %r13, " base "+96(%rip)\n mov %r14, " base "+104(%rip)\n mov %r15, " base "+112(%rip)\n"

extern "C" __attribute__((naked, noinline, used)) void store_registers() {
  __asm__(STORE_GENERAL("at_entry") ALL_VECTORS(
      STORE_VECTOR, "at_entry") "pushfq\n pop %rax\n mov %rax, at_entry+120(%rip)\n ret\n");
}

// Every register holds the seed times a number of its own; the vectors what before_entry.vectors held before.
extern "C" __attribute__((naked, noinline, used)) void fill_registers_and_call(uint64_t) {
  __asm__(
      "push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n sub $8, %rsp\n"
      "mov %rdi, before_entry+128(%rip)\n mov %rdi, before_entry+128+32*7+24(%rip)\n"
      "mov %rdi, before_entry+128+32*12+16(%rip)\n mov %rdi, before_entry+128+32*15+8(%rip)\n"
      ALL_VECTORS(LOAD_VECTOR, "before_entry")
      "imul $3, %rdi, %rax\n imul $5, %rdi, %rcx\n imul $7, %rdi, %rdx\n imul $9, %rdi, %rbx\n"
      "imul $11, %rdi, %rsi\n imul $13, %rdi, %rbp\n imul $15, %rdi, %r8\n imul $17, %rdi, %r9\n"
      "imul $19, %rdi, %r10\n imul $21, %rdi, %r11\n imul $23, %rdi, %r12\n imul $25, %rdi, %r13\n"
      "imul $27, %rdi, %r14\n imul $29, %rdi, %r15\n"
      STORE_GENERAL("before_entry")
      "cmp %rax, %rcx\n"  // some flags, others with every seed
      "pushfq\n popq before_entry+120(%rip)\n"
      "call store_registers\n"
      "vzeroupper\n add $8, %rsp\n pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n ret\n");
}
