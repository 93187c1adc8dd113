#include "instrument/heap_graph/roots.h"

#include "instrument/heap_graph/malloc_arenas.h"
#include "instrument/heap_graph/scratch.h"
#include "instrument/os/pages.h"
#include "instrument/os/proc_self.h"

namespace leakhunt::tracker {

namespace {

constexpr uintptr_t kControlBlock = 2304;  // glibc's struct pthread, behind the thread pointer
constexpr size_t kVectorWord = 1;          // of it: the vector of a thread's data by module (tcbhead_t::dtv)
constexpr size_t kSelfWord = 2;            // itself, as in word 0
constexpr uintptr_t kThreadData = 64 << 10;            // at most in front of it, of the first thread
constexpr uintptr_t kGlibcHeap = uintptr_t{64} << 20;  // alignment of glibc's further heaps
constexpr uintptr_t kLargestGuard = 64 << 10;

bool overlap(const AddressRange& range, uintptr_t from, uintptr_t to) {
  return range.begin < to && from < range.end;
}

class RootScan {
 public:
  RootScan(const ScanInput& input, const BlockIndex& blocks, AddressSpace& map, Marks& marks)
      : input_(input), blocks_(blocks), map_(map), marks_(marks) {}

  void scan() {
    arenas_ = map_scratch<MallocArenas>(1);
    if (arenas_ != nullptr) arenas_->find(input_.libc_code, map_);
    for (const Area& area : map_) scan_data(area);
    for (size_t i = 0; i < input_.thread_count; ++i) {
      if (!is_first(input_.threads[i])) scan_vector(input_.threads[i].number, input_.threads[i].stack_high);
      scan_thread_data(input_.threads[i]);
    }
    scan_first_thread_data();
    const Area* before = nullptr;
    for (const Area& area : map_) {
      scan_unclaimed(area, before);
      before = &area;
    }
    for (size_t i = 0; i < input_.thread_count; ++i) scan_stack(input_.threads[i]);
  }

 private:
  static bool is_candidate(const Area& area) { return area.readable && area.writable && area.is_private; }

  // A module's data, and what is behind it in memory but not in its file.
  static bool is_data(const Area& area) {
    if (area.kind == Area::Kind::kFile) return true;
    LoadedObject object{};
    return area.kind == Area::Kind::kAnonymous && find_loaded_object(area.begin, &object);
  }

  void scan_data(const Area& area) {
    if (!is_candidate(area) || !is_data(area)) return;
    if (overlap(input_.own_code, area.begin, area.end)) return;
    scan_between_blocks(RootKind::kData, area.begin, area.end);
  }

  // What is in blocks (a program's mapping of a file) is found by pointers to them.
  void scan_between_blocks(RootKind kind, uintptr_t from, uintptr_t to) {
    for (uint32_t i = blocks_.first_behind(from); i < blocks_.count() && blocks_[i].begin < to; ++i) {
      if (blocks_[i].begin > from) scan_but_arenas(kind, from, blocks_[i].begin);
      from = blocks_.end_of(i);
    }
    if (from < to) scan_but_arenas(kind, from, to);
  }

  void scan_but_arenas(RootKind kind, uintptr_t from, uintptr_t to) {
    const AddressRange* first = nullptr;
    for (size_t i = 0; arenas_ != nullptr && i < arenas_->count(); ++i) {
      const AddressRange& arena = (*arenas_)[i];
      if (overlap(arena, from, to) && (first == nullptr || arena.begin < first->begin)) first = &arena;
    }
    if (first == nullptr) return marks_.scan_root(kind, 0, from, to);
    if (first->begin > from) marks_.scan_root(kind, 0, from, first->begin);
    if (first->end < to) scan_but_arenas(kind, first->end, to);
  }

  // --- threads

  static uintptr_t end_of_control_block(uintptr_t thread_pointer) {
    return (thread_pointer + kControlBlock + kPage - 1) / kPage * kPage;
  }

  bool is_first(const ScannedThread& thread) const { return thread.number == 0; }

  // Below the thread pointer lies the thread's data, and below that its stack; where one ends is not known.
  // What is above the stack pointer is all scanned as the stack; the control block is behind it.
  void scan_thread_data(const ScannedThread& thread) {
    if (is_first(thread) || thread.stack_high == 0) return;
    const uintptr_t from = thread.stack_high > kPage ? thread.stack_high - kPage : thread.stack_high;
    scan_area_part(RootKind::kThread, thread.number, from > thread.sp ? from : thread.sp,
                   end_of_control_block(thread.stack_high), thread.stack_high);
  }

  // glibc keeps the address behind the vector's own length, and a vector even of a thread that has ended,
  // together with its stack, for the next one.
  void scan_vector(uint32_t thread, uintptr_t control_block) {
    if (!is_control_block(control_block)) return;
    const uintptr_t* words = reinterpret_cast<const uintptr_t*>(control_block);
    marks_.see_handle(RootKind::kThread, thread, control_block + kVectorWord * sizeof(uintptr_t),
                      words[kVectorWord]);
  }

  bool is_control_block(uintptr_t address) const {
    const Area* area = map_.at(address);
    if (area == nullptr || !is_candidate(*area) || address % sizeof(uintptr_t) != 0) return false;
    const uintptr_t* words = reinterpret_cast<const uintptr_t*>(address);
    return words[0] == address && words[kSelfWord] == address;
  }

  // Its control block lies at the stack's end, how far from it is glibc's business.
  void scan_ended_thread(const Area& area) {
    constexpr uintptr_t kAlignment = 64;
    const uintptr_t lowest = area.end - area.begin > 2 * kPage ? area.end - 2 * kPage : area.begin;
    for (uintptr_t at = area.end - kAlignment; at > lowest; at -= kAlignment) {
      if (!is_control_block(at)) continue;
      scan_vector(0, at);
      const uintptr_t vector = at + kVectorWord * sizeof(uintptr_t);
      return marks_.see_root(RootKind::kAnonymous, 0, vector, *reinterpret_cast<const uintptr_t*>(vector));
    }
  }

  void scan_first_thread_data() {
    const uintptr_t pointer = input_.first_thread_pointer;
    if (pointer == 0) return;
    const Area* area = map_.at(pointer);
    if (area == nullptr) return;
    uintptr_t from = pointer > kThreadData ? pointer - kThreadData : 0;
    if (from < area->begin) from = area->begin;
    uintptr_t to = pointer + kControlBlock;
    if (to > area->end) to = area->end;
    // Not into blocks on either side: an area may have been joined with a neighbour.
    for (uint32_t i = blocks_.first_behind(from); i < blocks_.count() && blocks_[i].begin < to; ++i) {
      if (blocks_[i].begin < pointer) {
        from = blocks_.end_of(i);
      } else {
        to = blocks_[i].begin;
      }
    }
    first_data_ = {from, to};
    if (from < to) marks_.scan_root(RootKind::kThread, 0, from, to);
  }

  void scan_area_part(RootKind kind, uint32_t thread, uintptr_t from, uintptr_t to, uintptr_t inside) {
    const Area* area = map_.at(inside - 1);
    if (area == nullptr) return;
    if (from < area->begin) from = area->begin;
    if (to > area->end) to = area->end;
    if (from < to) marks_.scan_root(kind, thread, from, to);
  }

  void scan_stack(const ScannedThread& thread) {
    for (size_t i = 0; i < ScannedThread::kWords; ++i) {
      marks_.see_root(RootKind::kRegister, thread.number, i, thread.words[i]);
    }
    if (thread.stack_high == 0 || thread.sp >= thread.stack_high) return;
    constexpr uintptr_t kRedZone = 128;
    const uintptr_t from = thread.sp != 0 ? thread.sp - kRedZone : thread.stack_low;
    marks_.scan_root(RootKind::kStack, thread.number, from, thread.stack_high);
  }

  // --- memory that nobody claims

  void scan_unclaimed(const Area& area, const Area* before) {
    if (!is_candidate(area) || area.kind == Area::Kind::kFile || is_data(area) || is_stack(area)) return;
    if (!input_.has_older_heap) {
      if (area.kind != Area::Kind::kAnonymous) return;
      if (is_old_stack(area, before)) return scan_ended_thread(area);
      if (is_heap(area)) return;
    }
    for (size_t i = 0; i < input_.excluded_count; ++i) {
      if (overlap(input_.excluded[i], area.begin, area.end)) return;
    }
    if (!overlap(first_data_, area.begin, area.end))
      return scan_between_blocks(RootKind::kAnonymous, area.begin, area.end);
    if (area.begin < first_data_.begin)
      scan_between_blocks(RootKind::kAnonymous, area.begin, first_data_.begin);
    if (first_data_.end < area.end) scan_between_blocks(RootKind::kAnonymous, first_data_.end, area.end);
  }

  bool is_stack(const Area& area) const {
    for (size_t i = 0; i < input_.thread_count; ++i) {
      const ScannedThread& thread = input_.threads[i];
      const bool has_own_stack = !is_first(thread) || area.kind == Area::Kind::kOther;
      if (thread.stack_high > area.begin && thread.stack_high <= area.end && has_own_stack) return true;
    }
    return false;
  }

  // One that glibc keeps for the next thread: behind a guard, as no other memory of its kind.
  static bool is_old_stack(const Area& area, const Area* before) {
    return before != nullptr && before->end == area.begin && !before->readable && !before->writable &&
           before->kind == Area::Kind::kAnonymous && before->end - before->begin <= kLargestGuard;
  }

  // Memory of the allocator: blocks lie in it that it did not map each by itself. (Bit 1 of a chunk's size
  // says that it did.) Or one of glibc's heaps that has no blocks now.
  bool is_heap(const Area& area) const {
    for (uint32_t i = blocks_.first_behind(area.begin); i < blocks_.count() && blocks_[i].begin < area.end;
         ++i) {
      if (blocks_[i].is_mapping || blocks_[i].begin < area.begin + 8) continue;
      constexpr uint64_t kMappedByItself = 2;
      const uint64_t size = *reinterpret_cast<const uint64_t*>((blocks_[i].begin & ~uintptr_t{7}) - 8);
      if ((size & kMappedByItself) == 0) return true;
    }
    if (area.begin % kGlibcHeap != 0) return false;
    const uintptr_t* heap = reinterpret_cast<const uintptr_t*>(area.begin);  // ar_ptr, prev, size
    return heap[0] > area.begin && heap[0] < area.begin + kPage && heap[1] == 0 && heap[2] != 0 &&
           heap[2] <= kGlibcHeap;
  }

  const ScanInput& input_;
  const BlockIndex& blocks_;
  AddressSpace& map_;
  Marks& marks_;
  AddressRange first_data_{0, 0};
  MallocArenas* arenas_ = nullptr;
};

}  // namespace

void scan_roots(const ScanInput& input, const BlockIndex& blocks, AddressSpace& map, Marks& marks) {
  RootScan(input, blocks, map, marks).scan();
}

}  // namespace leakhunt::tracker
