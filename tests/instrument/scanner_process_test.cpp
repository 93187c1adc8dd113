// The process that scans a copy, as seen from children of the program: they have nothing of it.
#include "instrument/heap_graph/scanner_process.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace leakhunt::tracker {
namespace {

// Its memory is not there, and what lies at that address now is the child's own.
TEST(ScannerProcess, AChildOfTheProgramForgetsItAndUnmapsNothing) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer has a thread of its own in the child, whose stack takes the place";
#endif
  ScannerProcess process;
  ScanResult* const result = process.prepare();
  ASSERT_NE(result, nullptr);
  process.keep_from_children();
  const pid_t child = fork();
  ASSERT_NE(child, -1);
  if (child == 0) {
    void* const own = mmap(result, ScanResult::kBytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);
    if (own != result) _exit(2);
    *static_cast<volatile char*>(own) = 1;
    process.release();
    if (!process.is_idle()) _exit(3);
    _exit(*static_cast<volatile char*>(own) == 1 ? 0 : 4);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_FALSE(process.is_idle());
  process.release();
  EXPECT_TRUE(process.is_idle());
}

}  // namespace
}  // namespace leakhunt::tracker
