#include "reports/analysis/attribution.h"

#include <gtest/gtest.h>

#include <random>

namespace leakhunt::reports {
namespace {

using recording::CallSite;
using recording::Symbol;

StackFrame function(const std::string& name) {
  StackFrame frame;
  frame.function = name;
  frame.module = "/app/program";
  return frame;
}

TEST(QualifiedName, DropsReturnTypesParametersAndQualifiers) {
  const std::vector<std::pair<const char*, const char*>> table = {
      {"main", "main"},
      {"leak(int)", "leak"},
      {"ns::Type::member(std::vector<int>, char const*) const", "ns::Type::member"},
      {"void ns::call<int (*)(char)>(int (*)(char))", "ns::call<int (*)(char)>"},
      {"void* std::__invoke<void (&)(), int>(void (&)(), int&&)", "std::__invoke<void (&)(), int>"},
      {"(anonymous namespace)::helper(int)", "(anonymous namespace)::helper"},
      {"int (anonymous namespace)::f<int>(int)", "(anonymous namespace)::f<int>"},
      {"operator new(unsigned long)", "operator new"},
      {"operator new[](unsigned long, std::align_val_t)", "operator new[]"},
      {"Type::operator()(int) const", "Type::operator()"},
      {"main::{lambda(int)#1}::operator()(int) const", "main::{lambda(int)#1}::operator()"},
      {"ns::operator<(A const&, B const&)", "ns::operator<"},
      {"decltype (::new ((void*)(0)) S((declval<char>)())) std::construct_at<S, char>(S*, char&&)",
       "std::construct_at<S, char>"},
      {"decltype(auto) f(int)", "f"},
      {"", ""},
  };
  for (const auto& [full, expected] : table) EXPECT_EQ(qualified_name(full), expected) << full;
}

TEST(Plumbing, IsWhatLiesBetweenTheProgramAndTheHeap) {
  for (const char* name :
       {"malloc", "calloc", "realloc", "posix_memalign", "malloc@plt", "operator new(unsigned long)",
        "operator new[](unsigned long)", "std::vector<int, std::allocator<int> >::push_back(int&&)",
        "void std::vector<int>::_M_realloc_insert<int>(int*, int&&)",
        "__gnu_cxx::new_allocator<int>::allocate(unsigned long, void const*)",
        "leakhunt::TaggedResource::do_allocate(unsigned long, unsigned long)",
        "leakhunt::trainer::Arena::do_allocate(unsigned long, unsigned long)",
        "boost::container::pmr::memory_resource::allocate(unsigned long, unsigned long)",
        "my::PoolAllocator<int>::allocate(unsigned long)", "strdup"}) {
    EXPECT_TRUE(is_plumbing(function(name))) << name;
  }
  for (const char* name : {"main", "leakhunt::trainer::Arena::new_chunk(unsigned long)", "stdlib::f()",
                           "Server::allocate(Request const&)", "f(std::vector<int>)", "void f<std::string>()",
                           "Store::operator new_entry", "malloc_statistics()"}) {
    EXPECT_FALSE(is_plumbing(function(name))) << name;
  }
  StackFrame inside = function("leakhunt_tag");
  inside.module = "/usr/lib/libleakhunt.so";
  EXPECT_TRUE(is_plumbing(inside));
}

TEST(Plumbing, OfLibcIsWhatItAllocatesForItsCallers) {
  for (const char* name :
       {"__GI___strdup", "__vasprintf_internal", "___asprintf_chk", "_IO_getdelim", "__getline"}) {
    StackFrame frame = function(name);
    EXPECT_FALSE(is_plumbing(frame)) << name << ", of a program's own";
    frame.module = "/usr/lib/x86_64-linux-gnu/libc.so.6";
    EXPECT_TRUE(is_plumbing(frame)) << name;
  }
  StackFrame opens = function("_IO_new_fopen");
  opens.module = "/usr/lib/x86_64-linux-gnu/libc.so.6";
  EXPECT_FALSE(is_plumbing(opens));
}

recording::Run run_with(const std::vector<Symbol>& symbols) {
  recording::Run run;
  for (const Symbol& symbol : symbols) run.symbols[symbol.address] = symbol;
  return run;
}

CallSite site_of(std::vector<uint64_t> frames) {
  CallSite site;
  site.frames = std::move(frames);
  return site;
}

TEST(Attribution, NamesTheInnermostFrameThatIsNoPlumbingThroughInlinedOnes) {
  const recording::Run run = run_with({
      {0x10, "/lib/libleakhunt.so", 0x1, {{"operator new(unsigned long)", "", 0, false}}},
      {0x20,
       "/app/p",
       0x2,
       {{"std::vector<int>::push_back(int)", "vector.h", 5, true},
        {"Tape::push(Node)", "tape.cpp", 81, true},
        {"forward()", "model.cpp", 12, false}}},
      {0x30, "/app/p", 0x3, {{"main", "main.cpp", 3, false}}},
  });
  const Attribution attribution = attribute(run, site_of({0x10, 0x20, 0x30}));
  ASSERT_EQ(attribution.frames.size(), 5u);
  EXPECT_EQ(attribution.frame()->function, "Tape::push(Node)");
  EXPECT_EQ(attribution.frame()->line, 81u);
  EXPECT_TRUE(attribution.frame()->inlined);
}

// Whatever stack came before: what the two share is taken from there.
TEST(Attribution, OfManySitesIsThatOfEachAlone) {
  std::mt19937 random(17);
  const recording::Run run = run_with({
      {0x10, "/lib/libc.so.6", 0x1, {{"malloc", "", 0, false}}},
      {0x20, "/app/p", 0x2, {{"inner", "a.h", 5, true}, {"outer", "a.cpp", 81, false}}},
      {0x30, "/app/p", 0x3, {{"main", "main.cpp", 3, false}}},
      {0x40, "", 0x40, {}},
  });
  std::vector<CallSite> sites;
  for (int i = 0; i < 300; ++i) {
    CallSite site;
    for (uint64_t depth = random() % 6; depth > 0; --depth) site.frames.push_back(0x10 * (1 + random() % 5));
    site.module_epoch = random() % 8 == 0 ? 1 : 0;
    sites.push_back(site);
  }
  Attributor attributor(run);
  for (const CallSite& site : sites) {
    const Attribution shared = attributor.attribute(site);
    const Attribution alone = attribute(run, site);
    EXPECT_EQ(shared.named, alone.named);
    ASSERT_EQ(shared.frames.size(), alone.frames.size());
    for (size_t i = 0; i < alone.frames.size(); ++i) {
      EXPECT_EQ(frame_name(shared.frames[i]), frame_name(alone.frames[i]));
      EXPECT_EQ(shared.frames[i].line, alone.frames[i].line);
      EXPECT_EQ(shared.frames[i].address, alone.frames[i].address);
    }
  }
}

TEST(Attribution, SitesShareTheirFrames) {
  const recording::Run run = run_with({{0x30, "/app/p", 0x3, {{"main", "main.cpp", 3, false}}}});
  Attributor attributor(run);
  const CallSite first = site_of({0x10, 0x30});
  const CallSite second = site_of({0x20, 0x30});
  const Attribution a = attributor.attribute(first);
  const Attribution b = attributor.attribute(second);
  EXPECT_EQ(&a.frames[1], &b.frames[1]);
}

TEST(Attribution, NamesModuleAndOffsetWhereThereAreNoSymbols) {
  const recording::Run run =
      run_with({{0x10, "/lib/libleakhunt.so", 0x1, {}}, {0x20, "/app/stripped", 0xabc, {}}});
  EXPECT_EQ(frame_name(*attribute(run, site_of({0x10, 0x20})).frame()), "stripped+0xabc");
}

TEST(Attribution, FallsBackToTheInnermostFrameWithAModule) {
  const recording::Run run = run_with({{0x20, "/lib/libc.so.6", 0xabc, {{"malloc", "", 0, false}}}});
  EXPECT_EQ(frame_name(*attribute(run, site_of({0x10, 0x20})).frame()), "malloc");
}

TEST(Attribution, CodeMadeAtRunTimeAnswersOnlyWhereItHasAName) {
  const std::string anonymous(recording::kAnonymousCode);
  recording::Run run = run_with({{0x10, anonymous, 0x10, {}}, {0x20, "/app/vm", 0x2, {}}});
  EXPECT_EQ(frame_name(*attribute(run, site_of({0x10, 0x20})).frame()), "vm+0x2");
  EXPECT_EQ(frame_name(attribute(run, site_of({0x10, 0x20})).frames[0]), "[anonymous code 0x10]");
  run.symbols[0x10].source_frames = {{"py::loop", "", 0, false}};
  EXPECT_EQ(frame_name(*attribute(run, site_of({0x10, 0x20})).frame()), "py::loop");
}

TEST(Attribution, SaysWhyThereIsNoBetterName) {
  recording::Run run = run_with({{0x20, "/app/rebuilt", 0xabc, {}}});
  run.symbols[0x20].note = "the file has changed since";
  EXPECT_EQ(attribute(run, site_of({0x20})).frame()->note, "the file has changed since");
  run.symbols[0x20].module += " (deleted)";
  EXPECT_EQ(frame_name(*attribute(run, site_of({0x20})).frame()), "rebuilt+0xabc");
}

TEST(Plumbing, OfRustIsItsStandardLibrary) {
  for (const char* name : {"alloc::alloc::alloc", "<alloc::vec::Vec<T> as core::clone::Clone>::clone",
                           "__rust_alloc", "__rdl_alloc", "alloc::raw_vec::RawVec<T,A>::reserve_for_push",
                           "hashbrown::raw::RawTable<T>::reserve"}) {
    EXPECT_TRUE(is_plumbing(function(name))) << name;
  }
  for (const char* name :
       {"leaky::main", "<leaky::Cache as core::ops::Drop>::drop", "alloc::mine", "core::step"}) {
    EXPECT_FALSE(is_plumbing(function(name))) << name;
  }
  StackFrame inlined = function("core::ops::function::FnOnce::call_once");
  inlined.file = "/rustc/90b35a6/library/core/src/ops/function.rs";
  EXPECT_TRUE(is_plumbing(inlined));
}

TEST(ShortenedTemplates, LeaveWhatAPersonReads) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"ns::Map<std::string, int>::insert", "ns::Map<…>::insert"},
      {"a<b<c<d>>>::e<f>::g", "a<…>::e<…>::g"},
      {"ns::operator<< <char>", "ns::operator<< <…>"},
      {"ns::Box<int>::operator->", "ns::Box<…>::operator->"},
      {"<alloc::vec::Vec<T> as Drop>::drop", "<alloc::vec::Vec<…> as Drop>::drop"},
      {"call<fn() -> u8>::run", "call<…>::run"},
      {"plain", "plain"},
  };
  for (const auto& [full, expected] : table) EXPECT_EQ(shorten_templates(full, 1), expected) << full;
  EXPECT_EQ(shorten_templates("ns::Map<int>::insert", 20), "ns::Map<int>::insert");
  std::string deep = "f";
  for (int i = 0; i < 2500; ++i) deep += "<int";
  deep += std::string(2500, '>');
  EXPECT_EQ(shorten_templates(deep, 72), "f<…>");
}

TEST(Attribution, OfNothingIsNothingAndOfAnAddressTheAddress) {
  EXPECT_EQ(attribute(recording::Run{}, site_of({})).frame(), nullptr);
  EXPECT_EQ(frame_name(*attribute(recording::Run{}, site_of({0x1234})).frame()), "0x1234");
}

}  // namespace
}  // namespace leakhunt::reports
