// Functions with frames of every shape, that call `leaf` at their end. A library of its own, compiled as
// distributions compile: -O2 -fomit-frame-pointer.
#pragma once

#include <stddef.h>

namespace leakhunt::subjects {

using Leaf = void (*)(void*);

void recurse(unsigned depth, Leaf leaf, void* argument);
void with_alloca(size_t bytes, Leaf leaf, void* argument);
void with_large_frame(Leaf leaf, void* argument);  // above 256 KiB
void realigned(Leaf leaf, void* argument);
void realigned_with_alloca(size_t bytes, Leaf leaf, void* argument);
void realigned_with_stack_arguments(long a, long b, long c, long d, long e, long f, long g, Leaf leaf,
                                    void* argument);
void through_qsort(Leaf leaf, void* argument);
void through_bsearch(Leaf leaf, void* argument);
void through_sort(Leaf leaf, void* argument);
void through_function(Leaf leaf, void* argument);
void ends_in_noreturn_call(Leaf leaf, void* argument);  // comes back by an exception
void through_pthread_once(Leaf leaf, void* argument);

}  // namespace leakhunt::subjects

// Assembly with exact unwind rules.
extern "C" {
void subject_cfa_in_rbx(leakhunt::subjects::Leaf leaf, void* argument);  // as the loader's lazy binding
void subject_bogus_rbp(leakhunt::subjects::Leaf leaf, void* argument, size_t rbp);   // rbp holds anything
void subject_lying_rule(leakhunt::subjects::Leaf leaf, void* argument, size_t rbp);  // its rule believes rbp
// SIGTRAP between `leave` and `ret`: as compilers write it, rbp is still said to lie in its slot, now below
// rsp.
void subject_trap_in_epilogue();
void subject_without_rule(leakhunt::subjects::Leaf leaf, void* argument);
}
