// import_samples: a small file of each tool that can be imported, in the tools' own words.
#pragma once

#include <string_view>
#include <utility>

#include "reports/importers/importer.h"

namespace leakhunt::reports {

inline constexpr std::string_view kMassif = R"(desc: --massif-out-file=massif.out
cmd: ./program --small
time_unit: i
#-----------
snapshot=0
#-----------
time=0
mem_heap_B=0
mem_heap_extra_B=0
mem_stacks_B=0
heap_tree=empty
#-----------
snapshot=1
#-----------
time=1360
mem_heap_B=3000
mem_heap_extra_B=24
mem_stacks_B=0
heap_tree=peak
n3: 3000 (heap allocation functions) malloc/new/new[], --alloc-fns, etc.
 n1: 2000 0x1091C9: keep(unsigned long) (p.c:4)
  n0: 2000 0x1091EA: main (p.c:7)
 n0: 900 0x48: ??? (in /usr/lib/libc.so.6)
 n0: 100 in 3 places, all below massif's threshold (1.00%)
#-----------
snapshot=2
#-----------
time=2000
mem_heap_B=500
mem_heap_extra_B=8
mem_stacks_B=0
heap_tree=empty
)";

inline constexpr std::string_view kHeaptrack = R"(v 10400 3
X ./program --small
I 1000 5e2990
s 6 /bin/p
s 4 main
s 8 /src/p.c
s 4 lose
i 1091c9 1 2 3 7
t 1 0
a 190 1
+ 0
c 5
i 1091ac 1 4 3 5 2 3 9
t 2 1
a 64 2
+ 1
+ 1
- 1
R 10
a a 2
+ 2
- 2
)";

inline constexpr std::string_view kMemcheck = R"(program output
==77== Memcheck, a memory error detector
==77== Command: ./program --small
==77== 
more output
==77== 
==77== HEAP SUMMARY:
==77==     in use at exit: 31,625 bytes in 76 blocks
==77==   total heap usage: 102 allocs, 26 frees, 60,721 bytes allocated
==77== 
==77== 5,625 (5,601 direct, 24 indirect) bytes in 40 blocks are definitely lost in loss record 2 of 3
==77==    at 0x48417B4: malloc (in /usr/libexec/valgrind/vgpreload_memcheck-amd64-linux.so)
==77==    by 0x1091AC: lose (p.c:5)
==77==    by 0x1091F5: main (p.c:7)
==77== 
==77== LEAK SUMMARY:
==77==    definitely lost: 6,201 bytes in 49 blocks
==77==    indirectly lost: 24 bytes in 1 blocks
==77==      possibly lost: 0 bytes in 0 blocks
==77==    still reachable: 25,400 bytes in 26 blocks
==77==         suppressed: 0 bytes in 0 blocks
==77== 
==77== ERROR SUMMARY: 1 errors from 1 contexts (suppressed: 0 from 0)
)";

inline constexpr std::string_view kMemcheckXml = R"(<?xml version="1.0"?>

<valgrindoutput>

<tool>memcheck</tool>

<args>
  <vargv>
    <exe>/usr/bin/valgrind.bin</exe>
  </vargv>
  <argv>
    <exe>./program</exe>
    <arg>--a&amp;b</arg>
  </argv>
</args>

<error>
  <unique>0x1</unique>
  <kind>InvalidRead</kind>
  <what>Invalid read of size 4</what>
  <stack>
    <frame>
      <ip>0x109999</ip>
      <fn>elsewhere</fn>
    </frame>
  </stack>
</error>

<error>
  <unique>0x2</unique>
  <kind>Leak_DefinitelyLost</kind>
  <xwhat>
    <text>5,625 (5,601 direct, 24 indirect) bytes in 40 blocks are definitely lost in loss record 2 of 3</text>
    <leakedbytes>5625</leakedbytes>
    <leakedblocks>40</leakedblocks>
  </xwhat>
  <stack>
    <frame>
      <ip>0x48417B4</ip>
      <obj>/usr/libexec/valgrind/vgpreload_memcheck-amd64-linux.so</obj>
      <fn>malloc</fn>
    </frame>
    <frame>
      <ip>0x1091AC</ip>
      <obj>/src/p</obj>
      <fn>lose&lt;int&gt;</fn>
      <dir>/src</dir>
      <file>p.c</file>
      <line>5</line>
    </frame>
  </stack>
</error>

</valgrindoutput>
)";

inline constexpr std::string_view kLeakSanitizer = R"(program output

=================================================================
==77==ERROR: LeakSanitizer: detected memory leaks

Direct leak of 6200 byte(s) in 49 object(s) allocated from:
    #0 0x7f27 in __interceptor_malloc ../../asan/asan_malloc_linux.cpp:69
    #1 0x561a in lose(int) /src/p.c:5:3
    #2 0x561b in main /src/p.c:7
    #3 0x561c  (/lib/libfoo.so+0x2c) (BuildId: 79ab)

Indirect leak of 24 byte(s) in 1 object(s) allocated from:
    #0 0x7f27 in malloc (/lib/libasan.so+0xb89cf)

SUMMARY: AddressSanitizer: 6224 byte(s) leaked in 50 allocation(s).
)";

inline constexpr std::pair<std::string_view, Foreign> kSamples[] = {
    {kMassif, Foreign::kMassif},
    {kHeaptrack, Foreign::kHeaptrack},
    {kMemcheck, Foreign::kMemcheck},
    {kMemcheckXml, Foreign::kMemcheckXml},
    {kLeakSanitizer, Foreign::kLeakSanitizer}};

}  // namespace leakhunt::reports
