// LedgerMaker, continued: whose anonymous memory is, and the lines.
#include "instrument/os/pages.h"
#include "instrument/os/text.h"
#include "instrument/tracker/ended_stack.h"
#include "instrument/tracker/ledger_maker.h"
#include "instrument/tracker/tags.h"

namespace leakhunt::tracker {

using recording::LedgerKind;

namespace {

constexpr size_t kLinesLookedBack = 64;
constexpr uint64_t kWorthAnAddress = kPage;

bool same_bytes(const char* a, const char* b, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

void put_hexadecimal(Text& text, uintptr_t value) {
  bool begun = false;
  for (int shift = 60; shift >= 0; shift -= 4) {
    const unsigned digit = static_cast<unsigned>(value >> shift) & 15;
    begun = begun || digit != 0;
    if (begun) text.put(static_cast<char>(digit < 10 ? '0' + digit : 'a' + digit - 10));
  }
}

}  // namespace

// The area that holds an address, or the next one behind it.
const LedgerMaker::AnonymousArea* LedgerMaker::area_of(uintptr_t address) const {
  size_t low = 0;
  size_t high = areas_.size();
  while (low < high) {
    const size_t half = low + (high - low) / 2;
    if (areas_[half].end <= address) {
      low = half + 1;
    } else {
      high = half;
    }
  }
  return areas_.begin() + low;
}

uint64_t LedgerMaker::resident_bytes(const AnonymousArea& area, uintptr_t begin, uintptr_t end) {
  uint64_t bytes = 0;
  page_map_.for_each_resident(
      begin, end, area.has_shared, [](void* sum, size_t) { *static_cast<uint64_t*>(sum) += kPage; }, &bytes);
  return bytes;
}

// What has one owner is as resident as the kernel says of the whole; only where several share a mapping the
// pages are looked at. The tracker's own have changed since the kernel was asked: they have the rest.
void LedgerMaker::book_anonymous() {
  for (const AnonymousArea& area : areas_) {
    uint64_t others = 0;
    Amounts ours{};
    for (uintptr_t at = area.begin; at < area.end;) {
      OwnedRange part = owners_.at(at, area.end);
      LoadedObject object{};
      const bool is_free = part.kind == OwnerKind::kNobody || part.kind >= OwnerKind::kIdleStack;
      if (is_free && find_loaded_object(part.begin, &object)) {
        const uintptr_t end = (object.end + kPage - 1) / kPage * kPage;
        if (end > part.begin && end < part.end) part.end = end;
      }
      at = part.end;
      const bool is_whole = part.begin == area.begin && part.end == area.end;
      if (part.kind == OwnerKind::kTracker) {
        ++ours.count;
        ours.reserved += part.end - part.begin;
        continue;
      }
      const uint64_t resident = is_whole             ? area.resident
                                : area.resident == 0 ? 0
                                                     : resident_bytes(area, part.begin, part.end);
      others += resident;
      book_part(area, part, resident);
    }
    if (ours.count == 0) continue;
    ours.resident = area.resident > others ? area.resident - others : 0;
    add_line(LedgerKind::kTracker, 0, ours, "tables");
  }
}

// As a stack is that libc made, and hardly anything else.
bool LedgerMaker::is_behind_guard(const AnonymousArea& area) const {
  if (&area == areas_.begin() || !area.accessible) return false;
  const AnonymousArea& before = *(&area - 1);
  return before.end == area.begin && !before.accessible;
}

void LedgerMaker::book_part(const AnonymousArea& area, const OwnedRange& part, uint64_t resident) {
  if (!area.accessible && resident == 0 && part.kind != OwnerKind::kMapping) return;
  const Amounts amounts{1, part.end - part.begin, resident, resident};
  LoadedObject object{};
  switch (part.kind) {
    case OwnerKind::kThreadStack:
      return add_line(LedgerKind::kThreadStack, part.id, amounts, "");
    case OwnerKind::kHeap:
      return add_line(LedgerKind::kHeapRegion, part.id, amounts, "");
    case OwnerKind::kMapping:
      if (part.id < site_count_) {
        SiteSum& sum = sums_[part.id];
        sum = {sum.count + 1, sum.reserved + amounts.reserved, sum.resident + resident};
        return;
      }
      break;
    default:
      break;
  }
  if (find_loaded_object(part.begin, &object)) {
    for (const ModuleName& module : modules_) {
      if (module.begin != object.begin) continue;
      return add_line_named(LedgerKind::kModule, 0, amounts, module.name_at, module.name_bytes);
    }
    const bool is_ours = is_own(object);
    return add_line(is_ours ? LedgerKind::kTracker : LedgerKind::kModule, 0, amounts,
                    is_ours ? "library" : object.name);
  }
  const bool is_idle_stack = part.kind == OwnerKind::kIdleStack ||
                             (part.kind == OwnerKind::kNobody && is_behind_guard(area) &&
                              part.begin == area.begin && is_ended_stack(part.begin, part.end));
  if (is_idle_stack) return add_line(LedgerKind::kIdleStack, 0, amounts, "");
  if (part.kind == OwnerKind::kOlder) return add_line(LedgerKind::kOlder, 0, amounts, "");
  char name[64];
  Text text(name, sizeof name);
  if (area.label[0] != '\0') {
    text.put(area.label);
  } else if (resident >= kWorthAnAddress) {
    put_hexadecimal(text, part.begin);
    text.put('-');
    put_hexadecimal(text, part.end);
  }
  add_line(LedgerKind::kUnknown, 0, amounts, name);
}

// Of the blocks and mappings of each tag.
void LedgerMaker::book_tags(const LedgerSources& sources) {
  constexpr SiteKind kKinds[] = {SiteKind::kBlock, SiteKind::kMapping};
  for (const SiteKind kind : kKinds) {
    SiteSum* tags = sums_ + site_count_;
    for (size_t tag = 0; tag < kMaxTags; ++tag) tags[tag] = {};
    for (size_t i = 0; i < site_count_; ++i) {
      if (sums_[i].count == 0 || sources.sites[i].kind != kind) continue;
      SiteSum& tag = tags[sources.sites[i].tag];
      tag = {tag.count + sums_[i].count, tag.reserved + sums_[i].reserved, tag.resident + sums_[i].resident};
    }
    for (size_t tag = 0; tag < kMaxTags; ++tag) {
      if (tags[tag].count == 0) continue;
      add_line(kind == SiteKind::kBlock ? LedgerKind::kTagBlocks : LedgerKind::kTagMappings, tag,
               {tags[tag].count, tags[tag].reserved, tags[tag].resident, 0}, "");
    }
  }
}

// --- the lines

size_t LedgerMaker::put_name(const char* name, size_t bytes) {
  const size_t at = names_.size();
  for (size_t i = 0; i < bytes; ++i) {
    if (!names_.add(name[i])) break;
  }
  return at;
}

void LedgerMaker::add_line(LedgerKind kind, uint64_t id, const Amounts& amounts, const char* name) {
  const size_t bytes = text_length(name);
  const size_t first = lines_.size() > kLinesLookedBack ? lines_.size() - kLinesLookedBack : 0;
  for (size_t i = first; i < lines_.size(); ++i) {
    const Line& line = lines_[i];
    if (line.kind == kind && line.id == id && line.name_bytes == bytes &&
        same_bytes(names_.begin() + line.name_at, name, bytes))
      return add_line_named(kind, id, amounts, line.name_at, bytes);
  }
  add_line_named(kind, id, amounts, put_name(name, bytes), bytes);
}

// Into one of the last lines if it is the same; the reader adds up the rest.
void LedgerMaker::add_line_named(LedgerKind kind, uint64_t id, const Amounts& amounts, size_t name_at,
                                 size_t name_bytes) {
  const size_t first = lines_.size() > kLinesLookedBack ? lines_.size() - kLinesLookedBack : 0;
  for (size_t i = first; i < lines_.size(); ++i) {
    Line& line = lines_[i];
    if (line.kind != kind || line.id != id || line.name_bytes != name_bytes) continue;
    if (line.name_at != name_at && name_bytes != 0) continue;
    line.count += amounts.count;
    line.reserved += amounts.reserved;
    line.resident += amounts.resident;
    line.dirty += amounts.dirty;
    return;
  }
  lines_.add(
      {kind, id, amounts.count, amounts.reserved, amounts.resident, amounts.dirty, name_at, name_bytes});
}

}  // namespace leakhunt::tracker
