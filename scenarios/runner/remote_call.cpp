#include "scenarios/runner/remote_call.h"

#include <signal.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include <fmt/format.h>

#if !defined(__x86_64__)
#error "leakhunt attach is written for x86-64 so far: these instructions need their counterpart"
#endif

namespace leakhunt::runner {

namespace {

using std::chrono::steady_clock;

// Memory of the call's own. Lowest the vector registers (XSAVE, 64-aligned), then the words for it, highest
// the stack.
#define REMOTE_SCRATCH "0x80000"
#define REMOTE_PATH "0x8000"
#define REMOTE_NAME "0x9000"
#define REMOTE_ARGUMENT "0xa000"
constexpr uint64_t kPath = 0x8000;
constexpr uint64_t kName = 0x9000;
constexpr uint64_t kArgument = 0xa000;

constexpr uint64_t kRedZone = 128;  // below the stack pointer, in use all the same (psABI, 3.2.2)
constexpr auto kLongest = std::chrono::seconds(10);

// On the thread's stack, below its red zone, so that `ret 128` from the last word ends at its stack pointer.
// The offsets stand in the instructions.
struct Frame {
  uint64_t errno_location;  // 0x00
  uint64_t dlopen;
  uint64_t dlsym;
  uint64_t dlerror;
  uint64_t result;  // 0x20
  uint64_t is_called;
  uint64_t error;
  uint64_t blocked;                               // 0x38: signals during the call
  uint64_t mask;                                  // and before it
  uint64_t mxcsr;                                 // 0x48
  uint64_t r15, r14, r13, r12, r11, r10, r9, r8;  // 0x50
  uint64_t rbp, rdi, rsi, rdx, rcx, rax;          // 0x90
  uint64_t flags, rbx, rip;                       // 0xc0
};
static_assert(offsetof(Frame, result) == 0x20 && offsetof(Frame, mxcsr) == 0x48);
static_assert(offsetof(Frame, r15) == 0x50 && offsetof(Frame, rbp) == 0x90 && offsetof(Frame, flags) == 0xc0);

// Position independent; rbx is the frame. AMX's tiles (bits 17 and 18) are not ours to save: nothing here
// uses them.
extern "C" const char leakhunt_remote_begin[], leakhunt_remote_mapped[], leakhunt_remote_done[],
    leakhunt_remote_end[];
__asm__(
    ".pushsection .rodata\n"
    ".balign 8\n"
    "leakhunt_remote_begin:\n"
    "  mov $14, %eax; mov $2, %edi; lea 0x38(%rbx), %rsi; xor %edx, %edx; mov $8, %r10d\n"
    "  syscall\n"  // rt_sigprocmask(SIG_SETMASK, &blocked)
    "  mov $9, %eax; xor %edi, %edi; mov $" REMOTE_SCRATCH
    ", %esi; mov $3, %edx; mov $0x22, %r10d\n"
    "  mov $-1, %r8; xor %r9d, %r9d\n"
    "  syscall\n"  // mmap
    "leakhunt_remote_mapped:\n"
    "  mov %rax, %r12\n"
    "  cmp $-4096, %rax; ja 3f\n"
    "  mov $0xfff9ffff, %eax; mov $-1, %edx; xsave64 (%r12)\n"
    "  cld; fninit; ldmxcsr 0x48(%rbx)\n"
    "  lea " REMOTE_SCRATCH
    "-64(%r12), %rsp\n"
    "  call *0x00(%rbx)\n"
    "  mov %rax, %r13; mov (%r13), %r14d\n"
    "  lea " REMOTE_PATH
    "(%r12), %rdi; mov $0x1002, %esi\n"  // RTLD_NOW | RTLD_NODELETE
    "  call *0x08(%rbx)\n"
    "  test %rax, %rax; jz 1f\n"
    "  mov %rax, %rdi; lea " REMOTE_NAME
    "(%r12), %rsi\n"
    "  call *0x10(%rbx)\n"
    "  test %rax, %rax; jz 1f\n"
    "  lea " REMOTE_ARGUMENT
    "(%r12), %rdi\n"
    "  call *%rax\n"
    "  mov %rax, 0x20(%rbx); movq $1, 0x28(%rbx); jmp 2f\n"
    "1: call *0x18(%rbx)\n"
    "  mov %rax, 0x30(%rbx)\n"
    "2: mov %r14d, (%r13)\n"
    "  mov $0xfff9ffff, %eax; mov $-1, %edx; xrstor64 (%r12)\n"
    "  mov %rbx, %rsp\n"
    "  mov $11, %eax; mov %r12, %rdi; mov $" REMOTE_SCRATCH
    ", %esi\n"
    "  syscall\n"  // munmap
    "3: mov $39, %eax\n"
    "  syscall\n"  // getpid: where we stop it
    "leakhunt_remote_done:\n"
    "  mov $14, %eax; mov $2, %edi; lea 0x40(%rbx), %rsi; xor %edx, %edx; mov $8, %r10d\n"
    "  syscall\n"  // rt_sigprocmask(SIG_SETMASK, &mask)
    "  mov 0x50(%rbx), %r15; mov 0x58(%rbx), %r14; mov 0x60(%rbx), %r13; mov 0x68(%rbx), %r12\n"
    "  mov 0x70(%rbx), %r11; mov 0x78(%rbx), %r10; mov 0x80(%rbx), %r9; mov 0x88(%rbx), %r8\n"
    "  mov 0x90(%rbx), %rbp; mov 0x98(%rbx), %rdi; mov 0xa0(%rbx), %rsi; mov 0xa8(%rbx), %rdx\n"
    "  mov 0xb0(%rbx), %rcx; mov 0xb8(%rbx), %rax; lea 0xc0(%rbx), %rsp\n"
    "  popfq; pop %rbx; ret $128\n"
    ".balign 8\n"
    "leakhunt_remote_end:\n"
    ".popsection\n");

size_t code_bytes() {
  return static_cast<size_t>(leakhunt_remote_end - leakhunt_remote_begin);
}

uint64_t distance(const char* label) {
  return static_cast<uint64_t>(label - leakhunt_remote_begin);
}

bool is_zero(const std::vector<char>& bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char byte) { return byte == 0; });
}

// Of one who died in the middle.
bool is_our_code(const std::vector<char>& bytes) {
  return std::memcmp(bytes.data(), leakhunt_remote_begin, bytes.size()) == 0;
}

struct Room {
  uint64_t at;
  bool has_our_code;
};

// The end of a mapping of code is filled up to a whole page.
std::optional<Room> room_for_code(pid_t pid) {
  const size_t bytes = code_bytes();
  for (const MappedFile& file : mapped_files(pid)) {
    if (!file.permissions.starts_with("r-xp") || !file.path.starts_with('/')) continue;
    const uint64_t at = file.end - bytes;
    std::vector<char> there(bytes);
    if (at < file.begin || !read_memory(pid, at, there.data(), bytes)) continue;
    if (is_zero(there) || is_our_code(there)) return Room{at, is_our_code(there)};
  }
  return std::nullopt;
}

// How the thread comes back by itself: a system call that our stop ended is made again.
Frame make_frame(const RemoteCode& code, const StoppedThread& thread) {
  const user_regs_struct& r = thread.registers();
  Frame frame{};
  frame.errno_location = code.errno_location;
  frame.dlopen = code.dlopen;
  frame.dlsym = code.dlsym;
  frame.dlerror = code.dlerror;
  constexpr uint64_t kOfItsOwnMaking = uint64_t{1} << (SIGSEGV - 1) | uint64_t{1} << (SIGBUS - 1) |
                                       uint64_t{1} << (SIGILL - 1) | uint64_t{1} << (SIGFPE - 1) |
                                       uint64_t{1} << (SIGTRAP - 1);
  frame.blocked = ~kOfItsOwnMaking | thread.signal_mask();
  frame.mask = thread.signal_mask();
  frame.mxcsr = 0x1f80;
  frame.r15 = r.r15, frame.r14 = r.r14, frame.r13 = r.r13, frame.r12 = r.r12;
  frame.r11 = r.r11, frame.r10 = r.r10, frame.r9 = r.r9, frame.r8 = r.r8;
  frame.rbp = r.rbp, frame.rdi = r.rdi, frame.rsi = r.rsi, frame.rdx = r.rdx, frame.rcx = r.rcx;
  frame.rax = r.rax, frame.flags = r.eflags, frame.rbx = r.rbx, frame.rip = r.rip;
  const long error = -static_cast<long>(r.rax);
  constexpr uint64_t kSyscallBytes = 2;
  if (static_cast<long>(r.orig_rax) >= 0 && error >= 512 && error <= 516) {  // ERESTARTSYS ... RESTARTBLOCK
    frame.rax = error == 516 ? SYS_restart_syscall : r.orig_rax;
    frame.rip -= kSyscallBytes;
  }
  return frame;
}

std::string text_at(pid_t pid, uint64_t address) {
  std::string text;
  char byte = 0;
  while (address != 0 && text.size() < 500 && read_memory(pid, address + text.size(), &byte, 1) && byte != 0)
    text += byte;
  return text;
}

// One call, from the stop of the thread to the next one.
class Call {
 public:
  Call(StoppedThread& thread, pid_t pid, const RemoteCode& code)
      : thread_(thread),
        pid_(pid),
        code_(code),
        frame_(make_frame(code, thread)),
        frame_at_(thread.registers().rsp - kRedZone - sizeof(Frame)) {}

  // False: nothing was changed.
  bool begin() {
    if (!thread_.write_text(code_.text, leakhunt_remote_begin, code_bytes())) return false;
    if (!write_memory(pid_, frame_at_, &frame_, sizeof frame_)) return false;
    user_regs_struct registers = thread_.registers();
    registers.rip = code_.text;
    registers.rbx = frame_at_;
    registers.rsp = frame_at_;
    registers.orig_rax = static_cast<unsigned long long>(-1);  // no system call is to be made again
    if (!thread_.set_registers(registers)) return false;
    thread_.set_signal_mask(frame_.blocked);  // it does so itself as well
    return true;
  }

  // Runs it to its end, handing the words over on the way. The error is a phrase.
  tl::expected<void, std::string> run(const std::filesystem::path& library, const std::string& function,
                                      const recording::AttachCall& argument) {
    const auto until = steady_clock::now() + kLongest;
    for (;;) {
      const StoppedThread::Stop stop = thread_.run_to_system_call(until);
      if (stop == StoppedThread::Stop::kGone) return tl::unexpected(std::string("the thread ended"));
      if (stop == StoppedThread::Stop::kCrash) {
        put_back();
        return tl::unexpected(std::string("the call crashed; the thread was put back"));
      }
      if (stop == StoppedThread::Stop::kTimeout) return give_up();
      const uint64_t at = thread_.registers_now().rip;
      if (at == code_.text + distance(leakhunt_remote_mapped)) hand_over(library, function, argument);
      if (at == code_.text + distance(leakhunt_remote_done)) break;
    }
    const bool known = read_memory(pid_, frame_at_, &frame_, sizeof frame_);
    if (!put_back())
      return tl::unexpected(std::string("the thread could not be put back by us; it is on its own"));
    if (!known) return tl::unexpected(std::string("its memory cannot be read"));
    return {};
  }

  tl::expected<int64_t, std::string> result() const {
    if (frame_.is_called != 0) return static_cast<int64_t>(frame_.result);
    const std::string why = text_at(pid_, frame_.error);
    return tl::unexpected(why.empty() ? std::string("there is no memory for it") : why);
  }

 private:
  // Twice: before the mmap, in vain, and behind it.
  void hand_over(const std::filesystem::path& library, const std::string& function,
                 const recording::AttachCall& argument) {
    const uint64_t scratch = thread_.registers_now().rax;
    if (static_cast<long>(scratch) < 0) return;
    const std::string path = library.string();
    argument_at_ = scratch + kArgument;
    write_memory(pid_, scratch + kPath, path.c_str(), path.size() + 1);
    write_memory(pid_, scratch + kName, function.c_str(), function.size() + 1);
    write_memory(pid_, argument_at_, &argument, sizeof argument);
  }

  bool put_back() {
    if (!thread_.put_back()) return false;
    if (code_.is_shared) return true;
    const std::vector<char> nothing(code_bytes(), 0);
    return thread_.write_text(code_.text, nothing.data(), nothing.size());
  }

  // It will come back by itself, and is to do nothing then.
  tl::unexpected<std::string> give_up() {
    const uint32_t no = 0;
    if (argument_at_ != 0)
      write_memory(pid_, argument_at_ + offsetof(recording::AttachCall, is_wanted), &no, sizeof no);
    return tl::unexpected(
        std::string("another thread keeps the loader busy; the call will come to its end, and do "
                    "nothing"));
  }

  StoppedThread& thread_;
  pid_t pid_;
  const RemoteCode& code_;
  Frame frame_;
  uint64_t frame_at_;
  uint64_t argument_at_ = 0;
};

}  // namespace

tl::expected<RemoteCode, std::string> RemoteCode::of(pid_t pid, const ProcessImage& image) {
  RemoteCode code;
  const std::array<std::pair<const char*, uint64_t*>, 4> functions = {
      {{"__errno_location", &code.errno_location},
       {"dlopen", &code.dlopen},
       {"dlsym", &code.dlsym},
       {"dlerror", &code.dlerror}}};
  for (const auto& [name, address] : functions) {
    const auto found = image.libc_function(name);
    if (!found)
      return tl::unexpected(fmt::format("its libc has no {} that can be called; is it glibc?", name));
    *address = *found;
  }
  const auto room = room_for_code(pid);
  if (!room)
    return tl::unexpected(std::string("there is no room for a few instructions behind any module's code"));
  code.text = room->at;
  code.is_shared = room->has_our_code;
  return code;
}

tl::expected<int64_t, std::string> call_remotely(StoppedThread& thread, pid_t pid, const RemoteCode& code,
                                                 const std::filesystem::path& library,
                                                 const std::string& function,
                                                 const recording::AttachCall& argument) {
  Call call(thread, pid, code);
  if (!call.begin())
    return tl::unexpected(fmt::format("its memory cannot be written: {}", std::strerror(errno)));
  if (auto done = call.run(library, function, argument); !done) return tl::unexpected(done.error());
  return call.result();
}

}  // namespace leakhunt::runner
