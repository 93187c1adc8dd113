#include "instrument/unwind/last_walk.h"

#include <string.h>

#include "instrument/os/pages.h"

namespace leakhunt::tracker {

namespace {

constinit LastWalk* all_walks = nullptr;          // newest first
constinit thread_local LastWalk* mine = nullptr;  // a hint: checked by the stack's end

// Orders what a signal handler on this thread may see; costs nothing.
void signal_fence() {
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

}  // namespace

LastWalk* LastWalk::find_or_make(uintptr_t stack_end) {
  for (LastWalk* walk = load_acquire(all_walks); walk != nullptr; walk = walk->next_) {
    if (walk->stack_end_ == stack_end) return walk;
  }
  constexpr size_t kBytes = (sizeof(LastWalk) + kPage - 1) / kPage * kPage;
  LastWalk* made = static_cast<LastWalk*>(map_pages(kBytes));
  if (made == nullptr) return nullptr;
  made->stack_end_ = stack_end;
  made->clear();
  do {
    made->next_ = load_acquire(all_walks);
  } while (!compare_exchange(all_walks, made->next_, made));
  return made;
}

void LastWalk::forget_all_in_child() {
  all_walks = nullptr;
  mine = nullptr;
}

LastWalk* LastWalk::take(const StackBounds& stack, uint32_t rules_generation) {
  LastWalk* walk = mine;
  if (unlikely(walk == nullptr || walk->stack_end_ != stack.high)) {
    walk = find_or_make(stack.high);
    if (walk == nullptr) return nullptr;
    mine = walk;
  }
  if (unlikely(walk->in_use_ != 0)) return nullptr;
  walk->in_use_ = 1;
  signal_fence();
  if (unlikely(walk->rules_generation_ != rules_generation)) {
    walk->clear();
    walk->rules_generation_ = rules_generation;
  }
  walk->cursor_ = walk->begin_;
  walk->from_ = walk->begin_;
  walk->fresh_count_ = 0;
  return walk;
}

size_t LastWalk::follow(WalkState* state, uint64_t* frames, size_t count, size_t max_frames) {
  if ((fresh_count_ != 0 || from_ != cursor_) && !splice()) return count;
  constexpr size_t kStride = 4;
  size_t at = cursor_ + 1;
  const size_t last = max_frames - count < kRecords - at ? at + (max_frames - count) : kRecords;
  // Four at a time: their comparisons wait neither for one another nor for a branch.
  for (; at + kStride <= last; at += kStride, count += kStride) {
    const Record* records = &records_[at];
    if ((changed(records[0]) | changed(records[1]) | changed(records[2]) | changed(records[3])) != 0) break;
    for (size_t i = 0; i < kStride; ++i) frames[count + i] = records[i].pc;
  }
  for (; at < last && changed(records_[at]) == 0; ++at) frames[count++] = records_[at].pc;
  const Record& reached = records_[at - 1];
  *state = {reached.pc, reached.sp, reached.bp, kNotRepeatable,
            false};  // noted already: what led to it is not asked
  cursor_ = at;
  from_ = at;
  return count;
}

// Puts the fresh states in the place of records [from_, cursor_), moving the inner ones [begin_, from_) as
// needed. False when there was no room and everything is forgotten.
bool LastWalk::splice() {
  const size_t removed = cursor_ - from_;
  if (unlikely(fresh_count_ > kFresh || fresh_count_ > begin_ + removed)) {  // no room: begin anew
    clear();
    return false;
  }
  const size_t begin = begin_ + removed - fresh_count_;
  if (begin != begin_ && from_ != begin_) {
    memmove(&records_[begin], &records_[begin_], (from_ - begin_) * sizeof(Record));
  }
  Record* to = &records_[cursor_ - fresh_count_];
  for (size_t i = 0; i < fresh_count_; ++i) copy(to[i], fresh_[i]);
  if (stale_ < cursor_) stale_ = cursor_;
  begin_ = begin;
  fresh_count_ = 0;
  return true;
}

void LastWalk::clear() {
  begin_ = cursor_ = from_ = kRecords;
  fresh_count_ = 0;
  stale_ = 0;
  complete_ = false;
  records_[kRecords] = {UINTPTR_MAX, 0, 0, nullptr, 0, kCompleteStack};
}

// From the outermost change inwards. The key of the innermost frame is that of the stack.
uint64_t LastWalk::refresh_keys() {
  for (size_t i = stale_; i > begin_; --i) {
    records_[i - 1].key = fold_frame(records_[i].key, records_[i - 1].pc);
  }
  stale_ = 0;
  return records_[begin_].key;
}

uint64_t LastWalk::end_complete() {
  cursor_ = kRecords;
  uint64_t key = 0;
  if ((fresh_count_ == 0 && from_ == cursor_) || splice()) {
    complete_ = true;
    key = refresh_keys();
  }
  release();
  return key;
}

void LastWalk::end_lost() {
  cursor_ = kRecords;
  if (splice()) complete_ = false;
  release();
}

// The records further out were not looked at, and are still each other's callers; but unless the walk ended
// among them, nothing connects it to them.
void LastWalk::end_full() {
  if (fresh_count_ == 0) return release();
  end_lost();
}

void LastWalk::end_forgotten() {
  clear();
  release();
}

void LastWalk::release() {
  signal_fence();
  in_use_ = 0;
}

}  // namespace leakhunt::tracker
