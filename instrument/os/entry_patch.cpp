#include "instrument/os/entry_patch.h"

#include <cpuid.h>
#include <string.h>
#include <sys/mman.h>

#include "instrument/os/pages.h"
#include "instrument/os/system_call.h"

// Read by the code below, which knows no other names than those of C.
extern "C" {
__attribute__((visibility("hidden"), used)) uint32_t leakhunt_saved_state =
    0;  // components for xsave; 0: none
__attribute__((visibility("hidden"), used)) uint64_t leakhunt_saved_bytes = 0;
__attribute__((visibility("hidden"))) void leakhunt_entered();
__attribute__((visibility("hidden"))) void leakhunt_called();
}

#define PUSH_GENERAL_REGISTERS                                       \
  "push %rax\n .cfi_adjust_cfa_offset 8\n"                           \
  "push %rcx\n .cfi_adjust_cfa_offset 8\n"                           \
  "push %rdx\n .cfi_adjust_cfa_offset 8\n"                           \
  "push %rsi\n .cfi_adjust_cfa_offset 8\n"                           \
  "push %rdi\n .cfi_adjust_cfa_offset 8\n"                           \
  "push %r8\n .cfi_adjust_cfa_offset 8\n"                            \
  "push %r9\n .cfi_adjust_cfa_offset 8\n"                            \
  "push %r10\n .cfi_adjust_cfa_offset 8\n"                           \
  "push %r11\n .cfi_adjust_cfa_offset 8\n"                           \
  "push %rbp\n .cfi_adjust_cfa_offset 8\n .cfi_rel_offset %rbp, 0\n" \
  "mov %rsp, %rbp\n .cfi_def_cfa_register %rbp\n"
#define POP_GENERAL_REGISTERS                                  \
  "mov %rbp, %rsp\n .cfi_def_cfa_register %rsp\n"              \
  "pop %rbp\n .cfi_adjust_cfa_offset -8\n .cfi_restore %rbp\n" \
  "pop %r11\n .cfi_adjust_cfa_offset -8\n"                     \
  "pop %r10\n .cfi_adjust_cfa_offset -8\n"                     \
  "pop %r9\n .cfi_adjust_cfa_offset -8\n"                      \
  "pop %r8\n .cfi_adjust_cfa_offset -8\n"                      \
  "pop %rdi\n .cfi_adjust_cfa_offset -8\n"                     \
  "pop %rsi\n .cfi_adjust_cfa_offset -8\n"                     \
  "pop %rdx\n .cfi_adjust_cfa_offset -8\n"                     \
  "pop %rcx\n .cfi_adjust_cfa_offset -8\n"                     \
  "pop %rax\n .cfi_adjust_cfa_offset -8\n"                     \
  "popfq\n .cfi_adjust_cfa_offset -8\n"

// Called from a page of ours, in the middle of nothing: whatever a register holds is somebody's. The stack
// holds the way back to the page and above it the function to call.
//
// rdi, rsi and rdx are as the function found them: its first three arguments.
//
// Kept are the general registers, the flags, and by xsave all that vector registers hold of the 512 bits; not
// the x87 stack, which nothing of ours touches.
extern "C" __attribute__((naked)) void leakhunt_entered() {
  __asm__("pushfq\n .cfi_adjust_cfa_offset 8\n" PUSH_GENERAL_REGISTERS
          "cld\n"
          "sub leakhunt_saved_bytes(%rip), %rsp\n"
          "and $-64, %rsp\n"
          "mov leakhunt_saved_state(%rip), %eax\n"
          "test %eax, %eax\n"
          "jz 1f\n"
          // The header of the area, but for its first word, must be zeros when it is read again.
          "xor %edx, %edx\n"
          "mov %rdx, 512(%rsp)\n"
          "mov %rdx, 520(%rsp)\n"
          "mov %rdx, 528(%rsp)\n"
          "mov %rdx, 536(%rsp)\n"
          "mov %rdx, 544(%rsp)\n"
          "mov %rdx, 552(%rsp)\n"
          "mov %rdx, 560(%rsp)\n"
          "mov %rdx, 568(%rsp)\n"
          "xsave64 (%rsp)\n"
          "mov 56(%rbp), %rdx\n"
          "call *96(%rbp)\n"
          "mov leakhunt_saved_state(%rip), %eax\n"
          "xor %edx, %edx\n"
          "xrstor64 (%rsp)\n"
          "jmp 2f\n"
          "1:\n"
          "fxsave64 (%rsp)\n"
          "call *96(%rbp)\n"
          "fxrstor64 (%rsp)\n"
          "2:\n" POP_GENERAL_REGISTERS "ret\n");
}

// The same where the function is one of C whose parameters are integers: what vector registers hold at its
// entry is nobody's. A tenth of the stack, which a signal handler may be short of.
extern "C" __attribute__((naked)) void leakhunt_called() {
  __asm__("pushfq\n .cfi_adjust_cfa_offset 8\n" PUSH_GENERAL_REGISTERS
          "cld\n"
          "and $-64, %rsp\n"
          "call *96(%rbp)\n" POP_GENERAL_REGISTERS "ret\n");
}

namespace leakhunt::tracker {

namespace {

constexpr size_t kJumpBytes = 5;
constexpr uint8_t kJump = 0xE9;
constexpr size_t kLegacyArea = 512;
constexpr size_t kAreaHeader = 64;
constexpr uint32_t kVectorState = 0xE6;  // SSE, AVX, and the three parts of AVX-512

// --- what has to be saved

uint32_t enabled_state() {
  uint32_t a = 0;
  uint32_t b = 0;
  uint32_t c = 0;
  uint32_t d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) return 0;
  uint32_t low = 0;
  uint32_t high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low & kVectorState;
}

void measure_state() {
  leakhunt_saved_bytes = kLegacyArea + kAreaHeader;
  leakhunt_saved_state = enabled_state();
  for (uint32_t component = 2; component < 8; ++component) {
    if ((leakhunt_saved_state & 1u << component) == 0) continue;
    uint32_t size = 0;
    uint32_t offset = 0;
    uint32_t c = 0;
    uint32_t d = 0;
    __cpuid_count(0xD, component, size, offset, c, d);
    if (offset + size > leakhunt_saved_bytes) leakhunt_saved_bytes = offset + size;
  }
}

// --- reading

int digit_of(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

bool read_number(const char*& text, uint64_t* value) {
  *value = 0;
  const char* begin = text;
  for (; digit_of(*text) >= 0; ++text) *value = *value << 4 | static_cast<uint64_t>(digit_of(*text));
  return text != begin && text - begin <= 16;
}

bool read_bytes(const char*& text, uint8_t* bytes, size_t capacity, size_t* count) {
  for (*count = 0; digit_of(text[0]) >= 0 && digit_of(text[1]) >= 0; text += 2) {
    if (*count == capacity) return false;
    bytes[(*count)++] = static_cast<uint8_t>(digit_of(text[0]) << 4 | digit_of(text[1]));
  }
  return *count > 0;
}

bool skip(const char*& text, char letter) {
  return *text == letter && *text++ != '\0';
}

// --- writing

void put32(uint8_t* at, uintptr_t value) {
  const uint32_t low = static_cast<uint32_t>(value);
  memcpy(at, &low, sizeof low);
}

void put64(uint8_t* at, uintptr_t value) {
  memcpy(at, &value, sizeof value);
}

bool reaches(uintptr_t from, uintptr_t to) {
  const int64_t distance = static_cast<int64_t>(to - from);
  return distance == static_cast<int32_t>(distance);
}

// A page below the code: above the executable grows the heap, which must not find it in its way.
uint8_t* page_near(uintptr_t code) {
  constexpr uintptr_t kStep = 64 << 10;
  constexpr uintptr_t kLargeStep = 1 << 20;
  constexpr uintptr_t kReach = uintptr_t{15} << 27;  // a little less than 2 GiB
  constexpr uintptr_t kLowest = 64 << 10;
  const uintptr_t start = code / kStep * kStep;
  for (uintptr_t below = kStep; below < kReach && below + kLowest <= start;
       below += below < 64 * kStep ? kStep : kLargeStep) {
    const long page = system_call(SYS_mmap, start - below, kPage, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1L, 0L);
    if (is_error(page)) continue;
    // Linux before 4.17 takes the address for a wish.
    if (static_cast<uintptr_t>(page) == start - below &&
        adopt_lasting_pages(reinterpret_cast<void*>(page), kPage))
      return reinterpret_cast<uint8_t*>(page);
    system_call(SYS_munmap, page, kPage);
  }
  return nullptr;
}

bool write_jump(uint8_t* entry, const uint8_t* page) {
  const uintptr_t begin = reinterpret_cast<uintptr_t>(entry) / kPage * kPage;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(entry) + kJumpBytes + kPage - 1) / kPage * kPage;
  if (is_error(system_call(SYS_mprotect, begin, end - begin, PROT_READ | PROT_WRITE | PROT_EXEC)))
    return false;
  put32(entry + 1, reinterpret_cast<uintptr_t>(page) - reinterpret_cast<uintptr_t>(entry) - kJumpBytes);
  entry[0] = kJump;
  system_call(SYS_mprotect, begin, end - begin, PROT_READ | PROT_EXEC);
  return true;
}

// What runs first on the page: below the red zone of whoever jumped here, with `entered` for
// leakhunt_entered().
constexpr uint8_t kSayEntered[] = {0x48, 0x8D, 0x64, 0x24, 0x80,            // lea -128(%rsp), %rsp
                                   0xFF, 0x35, 0,    0,    0,    0,         // push entered
                                   0xFF, 0x15, 0,    0,    0,    0,         // call *leakhunt_entered
                                   0x48, 0x8D, 0xA4, 0x24, 0x88, 0, 0, 0};  // lea 136(%rsp), %rsp
constexpr size_t kEnteredField = 7;
constexpr size_t kCallField = 13;
constexpr size_t kLiterals = kPage - 16;

}  // namespace

bool EntryPatch::parse(const char* text) {
  const bool read = read_number(text, &device_) && skip(text, ' ') && read_number(text, &inode_) &&
                    skip(text, ' ') && read_number(text, &address_) && skip(text, ' ') &&
                    read_bytes(text, covered_, kMaxCovered, &covered_bytes_) && skip(text, ' ') &&
                    read_bytes(text, code_, kMaxCode, &code_bytes_) && skip(text, ' ') && parse_fixups(text);
  return read && covered_bytes_ >= kJumpBytes;
}

bool EntryPatch::parse_fixups(const char* text) {
  fixup_count_ = 0;
  if (strcmp(text, "-") == 0) return true;
  while (*text != '\0') {
    if (fixup_count_ == kMaxFixups || (*text != 'r' && *text != 'a')) return false;
    Fixup& fixup = fixups_[fixup_count_++];
    fixup.absolute = *text++ == 'a';
    uint64_t at = 0;
    if (!read_number(text, &at) || !skip(text, ':') || !read_number(text, &fixup.target) || !skip(text, ','))
      return false;
    if (at + (fixup.absolute ? 8 : 4) > code_bytes_) return false;
    fixup.at = at;
  }
  return true;
}

bool EntryPatch::write_page(uint8_t* page, uintptr_t bias, Entered entered, Registers kept) const {
  memcpy(page, kSayEntered, sizeof kSayEntered);
  put32(page + kEnteredField, kLiterals - kEnteredField - 4);
  put32(page + kCallField, kLiterals + 8 - kCallField - 4);
  put64(page + kLiterals, reinterpret_cast<uintptr_t>(entered));
  const auto way_in = kept == Registers::kAll ? leakhunt_entered : leakhunt_called;
  put64(page + kLiterals + 8, reinterpret_cast<uintptr_t>(way_in));
  uint8_t* const code = page + sizeof kSayEntered;
  memcpy(code, code_, code_bytes_);
  for (size_t i = 0; i < fixup_count_; ++i) {
    uint8_t* const field = code + fixups_[i].at;
    const uintptr_t target = bias + fixups_[i].target;
    if (fixups_[i].absolute) {
      put64(field, target);
    } else {
      if (!reaches(reinterpret_cast<uintptr_t>(field), target)) return false;
      put32(field, target - reinterpret_cast<uintptr_t>(field));
    }
  }
  return true;
}

const char* EntryPatch::apply(uintptr_t bias, Entered entered, Registers kept) {
  uint8_t* const entry = reinterpret_cast<uint8_t*>(bias + address_);
  if (memcmp(entry, covered_, covered_bytes_) != 0) return "its code in memory is not that of its file";
  uint8_t* const page = page_near(reinterpret_cast<uintptr_t>(entry));
  if (page == nullptr) return "there is no free page near it";
  measure_state();
  if (write_page(page, bias, entered, kept) &&
      !is_error(system_call(SYS_mprotect, page, kPage, PROT_READ | PROT_EXEC)) && write_jump(entry, page)) {
    return nullptr;
  }
  unmap_pages(page, kPage);
  return "the system does not let its code be changed";
}

bool EntryPatch::is_applied(uintptr_t bias) const {
  return *reinterpret_cast<const uint8_t*>(bias + address_) == kJump && covered_[0] != kJump;
}

}  // namespace leakhunt::tracker
