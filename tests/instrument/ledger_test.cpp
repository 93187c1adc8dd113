// What the ledger is made of: the kernel's view, who owns what, and the heap's pages.
#include <errno.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "instrument/os/memory_map.h"
#include "instrument/tracker/address_owners.h"
#include "instrument/tracker/heap_pages.h"
#include "instrument/tracker/ledger_maker.h"
#include "instrument/tracker/ledger_pace.h"

namespace leakhunt::tracker {
namespace {

struct KeptArea {
  MemoryArea area;
  std::string name;
};

std::vector<KeptArea> areas_in(const char* proc, MemoryMap::Detail detail = MemoryMap::Detail::kSmaps) {
  std::vector<KeptArea> areas;
  MemoryMap map;
  EXPECT_EQ(map.open(proc, detail), 0);
  MemoryArea area{};
  while (map.next(&area)) areas.push_back({area, area.name});
  EXPECT_EQ(map.error(), 0);
  map.close();
  return areas;
}

// A directory as /proc/self is, with a file of our own.
class FakeProc {
 public:
  explicit FakeProc(const std::string& smaps) {
    std::string pattern = std::filesystem::temp_directory_path() / "fake_proc.XXXXXX";
    path_ = mkdtemp(pattern.data());
    std::ofstream(path_ + "/smaps") << smaps;
  }
  ~FakeProc() { std::filesystem::remove_all(path_); }
  const char* path() const { return path_.c_str(); }

 private:
  std::string path_;
};

char* map_anonymous(size_t pages) {
  void* memory = mmap(nullptr, pages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return static_cast<char*>(memory);
}

// --- the kernel's view

TEST(MemoryMap, ReadsEveryFieldThatTheLedgerWants) {
  const FakeProc proc(
      "00400000-00403000 r-xp 00000000 fe:00 12  /usr/bin/a b (deleted)\n"
      "Size:                 12 kB\nRss:                   8 kB\nPss:                   8 kB\n"
      "Shared_Clean:          4 kB\nShared_Dirty:          1 kB\nPrivate_Clean:         1 kB\n"
      "Private_Dirty:         2 kB\nAnonymous:             2 kB\nVmFlags: rd ex \n"
      "7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0                          [stack]\n"
      "Rss:                  20 kB\nPrivate_Dirty:        20 kB\n"
      "7fff00000000-7fff00001000 ---p 00000000 00:00 0 \nRss:                   0 kB\n");
  const std::vector<KeptArea> areas = areas_in(proc.path());
  ASSERT_EQ(areas.size(), 3u);
  EXPECT_EQ(areas[0].area.begin, 0x400000u);
  EXPECT_EQ(areas[0].area.end, 0x403000u);
  EXPECT_EQ(areas[0].area.protection, PROT_READ | PROT_EXEC);
  EXPECT_TRUE(areas[0].area.has_inode);
  EXPECT_EQ(areas[0].name, "/usr/bin/a b (deleted)");
  EXPECT_EQ(areas[0].area.resident, 8u << 10);
  EXPECT_EQ(areas[0].area.dirty, 3u << 10);
  EXPECT_EQ(areas[0].area.shared, 5u << 10);
  EXPECT_EQ(areas[1].name, "[stack]");
  EXPECT_FALSE(areas[1].area.has_inode);
  EXPECT_EQ(areas[1].area.resident, 20u << 10);
  EXPECT_EQ(areas[2].name, "");
  EXPECT_EQ(areas[2].area.protection, 0);
}

TEST(MemoryMap, ManyAreasAndLongNamesPassThroughOneBuffer) {
  std::string smaps;
  const std::string name = "/" + std::string(3000, 'x');
  for (int i = 0; i < 5000; ++i) {
    char line[64];
    snprintf(line, sizeof line, "%x000-%x000 rw-p 00000000 fe:00 7 ", 0x1000 + 2 * i, 0x1001 + 2 * i);
    smaps += line + (i % 7 == 0 ? name : std::string("/short")) + "\nRss:                   4 kB\n";
  }
  const FakeProc proc(smaps);
  const std::vector<KeptArea> areas = areas_in(proc.path());
  ASSERT_EQ(areas.size(), 5000u);
  for (size_t i = 0; i < areas.size(); ++i) {
    ASSERT_EQ(areas[i].area.resident, 4096u) << i;
    ASSERT_EQ(areas[i].area.begin, (0x1000 + 2 * i) << 12) << i;
  }
  EXPECT_EQ(areas[0].name, name.substr(0, MemoryMap::kLongestName));
}

TEST(MemoryMap, SaysWhyItCannotBeRead) {
  MemoryMap map;
  EXPECT_EQ(map.open("/nowhere", MemoryMap::Detail::kSmaps), ENOENT);
  const FakeProc proc("this is no memory map\n");
  EXPECT_EQ(map.open(proc.path(), MemoryMap::Detail::kSmaps), 0);
  MemoryArea area{};
  EXPECT_FALSE(map.next(&area));
  EXPECT_EQ(map.error(), EINVAL);
  map.close();
}

TEST(PageMap, FindsWhatWasTouchedAndNotTheZerosThatWereRead) {
  constexpr size_t kPages = 10'000;
  char* memory = map_anonymous(kPages);
  std::vector<size_t> truth;
  for (size_t i = 0; i < kPages; i += 1 + i % 5) {
    memory[i * kPage] = 1;
    truth.push_back(i);
  }
  unsigned read_only = 0;
  for (size_t i = 0; i < kPages; ++i)
    read_only += static_cast<volatile char*>(memory)[i * kPage] != 0 ? 1 : 0;
  EXPECT_EQ(read_only, truth.size());
  PageMap pages;
  ASSERT_EQ(pages.open("/proc/self"), 0);
  std::vector<size_t> found;
  const uintptr_t begin = reinterpret_cast<uintptr_t>(memory);
  EXPECT_TRUE(pages.for_each_resident(
      begin, begin + kPages * kPage, false,
      [](void* context, size_t page) { static_cast<std::vector<size_t>*>(context)->push_back(page); },
      &found));
  EXPECT_EQ(found, truth);
  pages.close();
  munmap(memory, kPages * kPage);
}

// --- owners

TEST(AddressOwners, TheBetterClaimCutsTheOther) {
  AddressOwners owners;
  owners.add({0x10000, 0x20000, OwnerKind::kMapping, 7});
  owners.add({0x14000, 0x16000, OwnerKind::kThreadStack, 3});
  owners.add({0x30000, 0x30001, OwnerKind::kIdleStack, 0});
  owners.settle();
  const auto expect = [&](uintptr_t address, uintptr_t end, OwnerKind kind) {
    const OwnedRange range = owners.at(address, 0x40000);
    EXPECT_EQ(range.begin, address);
    EXPECT_EQ(range.end, end) << address;
    EXPECT_EQ(range.kind, kind) << address;
  };
  expect(0x8000, 0x10000, OwnerKind::kNobody);
  expect(0x10000, 0x14000, OwnerKind::kMapping);
  expect(0x14000, 0x16000, OwnerKind::kThreadStack);
  expect(0x16000, 0x20000, OwnerKind::kMapping);
  expect(0x20000, 0x30000, OwnerKind::kNobody);
  expect(0x30000, 0x31000, OwnerKind::kIdleStack);  // whole pages
  EXPECT_EQ(owners.at(0x30000, 0x40000, OwnerKind::kIdleStack).kind, OwnerKind::kNobody);
  EXPECT_EQ(owners.at(0x10000, 0x12000).end, 0x12000u);
  owners.release();
}

TEST(AddressOwners, OverlapsOfOneKindCountOnce) {
  AddressOwners owners;
  owners.add({0x10000, 0x14000, OwnerKind::kHeap, 1});
  owners.add({0x12000, 0x18000, OwnerKind::kHeap, 2});
  owners.add({0x12000, 0x13000, OwnerKind::kHeap, 3});
  owners.settle();
  EXPECT_EQ(owners.at(0x10000, 0x40000).end, 0x14000u);
  EXPECT_EQ(owners.at(0x14000, 0x40000).end, 0x18000u);
  EXPECT_EQ(owners.at(0x14000, 0x40000).id, 2u);
  owners.release();
}

// --- the heap's pages

TEST(HeapPages, WithoutMemoryForThemNothingIsFound) {
  HeapPages heap;
  constexpr uintptr_t kAll = uintptr_t{1} << 47;
  for (int i = 0; i < 4096; ++i) heap.add(kPage, kAll, recording::HeapRegionKind::kArena);
  ASSERT_FALSE(heap.make_room());
  EXPECT_EQ(heap.free_page_bytes(), 0u);
  EXPECT_EQ(heap.find(2 * kPage), nullptr);
  heap.release();
}

TEST(HeapPages, TellLiveBytesFromFreePagesAndUntouchedOnes) {
  HeapPages heap;
  constexpr uintptr_t kBegin = 0x100000;
  heap.add(0x900000, 0x901000, recording::HeapRegionKind::kArena);
  heap.add(kBegin, kBegin + 4 * kPage, recording::HeapRegionKind::kBreak);
  ASSERT_TRUE(heap.make_room());
  const HeapRegion* region = heap.find(kBegin + 17);
  ASSERT_NE(region, nullptr);
  EXPECT_EQ(region->kind, recording::HeapRegionKind::kBreak);
  EXPECT_EQ(heap.find(kBegin + 4 * kPage), nullptr);
  EXPECT_EQ(heap.find(kBegin - 1), nullptr);
  for (const size_t page : {0u, 1u, 2u}) heap.set_resident(*region, page);
  EXPECT_EQ(heap.free_page_bytes(), 3 * kPage);
  EXPECT_EQ(heap.add_live(*region, kBegin + 100, 50), 50u);
  EXPECT_EQ(heap.free_page_bytes(), 2 * kPage);
  EXPECT_EQ(heap.add_live(*region, kBegin + 2 * kPage + 4000, kPage),
            96u);  // the rest is on page 3: untouched
  EXPECT_EQ(heap.free_page_bytes(), kPage);
  EXPECT_EQ(heap.add_live(*region, kBegin + 4 * kPage - 8, 1000), 0u);  // reaches out of it
  heap.release();
}

// --- when

TEST(LedgerPace, TakesAHundredthOfTheTimeAndASecondHeadStart) {
  for (const uint64_t cost_ns : {100'000u, 3'000'000u, 200'000'000u}) {
    LedgerPace pace;
    uint64_t spent = 0;
    uint64_t taken = 0;
    for (uint64_t now = 1'000'000; now < 60'000'000'000; now += 1'000'000) {
      const uint64_t rss = now / 100;  // a program that grows all the time
      if (!pace.is_due(now, rss)) continue;
      pace.taken(now, rss, cost_ns);
      spent += cost_ns;
      ++taken;
      EXPECT_LE(spent, std::max(cost_ns, uint64_t{2'000'000} + now / 100)) << now;
    }
    EXPECT_GE(taken, 2u);
    EXPECT_LT(taken, 1000u);
  }
}

TEST(LedgerPace, ASteadyProgramHasOneBehindEachSixteenthOfItsTime) {
  LedgerPace pace;
  uint64_t last = 0;
  for (uint64_t now = 1'000'000'000; now < 100'000'000'000; now += 10'000'000) {
    if (!pace.is_due(now, 1 << 20)) continue;
    pace.taken(now, 1 << 20, 100'000);
    last = now;
  }
  EXPECT_GT(last, 90'000'000'000u);
}

// --- all of it

struct Found {
  uint64_t resident = 0;
  uint64_t reserved = 0;
};

Found sum_of(const LedgerMaker& maker, recording::LedgerKind kind, uint64_t id) {
  Found found;
  maker.for_each_line([&](const recording::LedgerLineRecord& line) {
    if (line.kind == kind && line.id == id) {
      found.resident += line.resident_bytes;
      found.reserved += line.reserved_bytes;
    }
    return true;
  });
  return found;
}

TEST(LedgerMaker, BooksAMappingByItsSiteAndABlockByItsTag) {
  char* mapping = map_anonymous(100);
  for (size_t i = 0; i < 30; ++i) mapping[i * kPage] = 1;
  char* chunk = map_anonymous(257);  // as libc's malloc maps a large block by itself, with a header
  char* block = chunk + 16;
  for (size_t i = 0; i < 64 * kPage; i += kPage) block[i] = 1;
  const SiteInfo sites[] = {{0, SiteKind::kBlock}, {5, SiteKind::kBlock}, {1, SiteKind::kMapping}};
  LiveBlocks blocks;
  ASSERT_TRUE(blocks.start());
  blocks.insert(reinterpret_cast<uintptr_t>(block), {SiteId{1}, 0, 1 << 20});
  LedgerMaker* maker = LedgerMaker::make();
  ASSERT_NE(maker, nullptr);
  const uintptr_t begin = reinterpret_cast<uintptr_t>(mapping);
  maker->add_owner({begin, begin + 100 * kPage, OwnerKind::kMapping, 2});
  const LedgerSources sources{&blocks, sites, 3, true, ~uint64_t{0}};
  ASSERT_EQ(maker->book(sources, "/proc/self"), 0);
  EXPECT_TRUE(maker->record().heap_examined);
  EXPECT_EQ(sum_of(*maker, recording::LedgerKind::kTagMappings, 1).resident, 30 * kPage);
  EXPECT_EQ(sum_of(*maker, recording::LedgerKind::kTagMappings, 1).reserved, 100 * kPage);
  const Found tagged = sum_of(*maker, recording::LedgerKind::kTagBlocks, 5);
  EXPECT_EQ(tagged.reserved, 1u << 20);
  EXPECT_EQ(tagged.resident, 64 * kPage - 16);
  maker->destroy();
  munmap(chunk, 257 * kPage);
  munmap(mapping, 100 * kPage);
}

TEST(LedgerMaker, SaysWhichErrorKeptItFromReading) {
  LiveBlocks blocks;
  ASSERT_TRUE(blocks.start());
  const LedgerSources sources{&blocks, nullptr, 0, true, ~uint64_t{0}};
  LedgerMaker* maker = LedgerMaker::make();
  EXPECT_EQ(maker->book(sources, "/nowhere"), ENOENT);
  maker->destroy();
  const FakeProc proc("00400000-00403000 r-xp 00000000 fe:00 12  /usr/bin/a\nRss:   4 kB\n");  // no pagemap
  maker = LedgerMaker::make();
  EXPECT_EQ(maker->book(sources, proc.path()), ENOENT);
  maker->destroy();
}

}  // namespace
}  // namespace leakhunt::tracker
