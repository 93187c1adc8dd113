// Names as a person reads them.
#include <gtest/gtest.h>

#include "lib/symbols/symbol_table.h"

namespace leakhunt::symbols {
namespace {

TEST(Demangle, CppRustAndWhatIsNeither) {
  const std::pair<const char*, const char*> table[] = {
      {"_ZN6sample3Box3putEi", "sample::Box::put(int)"},
      {"_Znwm", "operator new(unsigned long)"},
      {"_ZSt4cout@@GLIBCXX_3.4", "std::cout"},
      // Rust's older names: like C++, with a hash behind
      {"_ZN4core3fmt9Formatter9write_str17h0123456789abcdefE", "core::fmt::Formatter::write_str"},
      {"_ZN66_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$core..ops..drop..Drop$GT$4drop17h0123456789abcdefE",
       "<alloc::vec::Vec<T> as core::ops::drop::Drop>::drop"},
      {"_ZN5leaky4main17h0123456789abcdefE.llvm.1234567890", "leaky::main"},
      // and its newer ones
      {"_RNvC5leaky4main", "leaky::main"},
      {"_RNvCskwGfYPst2Cb_3foo16example_function", "foo::example_function"},
      {"_RINvCs7QmnzhCVtiZ_5leaky4keephEB2_", "leaky::keep::<u8>"},
      {"_RNCNvC5leaky4main0B3_", "leaky::main::{closure#0}"},
      // as they are
      {"main", "main"},
      {"malloc@@GLIBC_2.2.5", "malloc"},
      {"_D3std5stdio7writelnFZv", "_D3std5stdio7writelnFZv"},
      {"$s4main3fooyyF", "$s4main3fooyyF"},
      {"_Zgarbage", "_Zgarbage"},
      {"_Rgarbage", "_Rgarbage"},
      {"_ZN", "_ZN"},
      {"_R", "_R"},
      {"", ""},
  };
  for (const auto& [linked, readable] : table) EXPECT_EQ(demangle(linked), readable) << linked;
}

}  // namespace
}  // namespace leakhunt::symbols
