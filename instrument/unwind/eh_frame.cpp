// Formats: Linux Standard Base, core, 10.6 (.eh_frame, .eh_frame_hdr).
#include "instrument/unwind/eh_frame.h"

#include <dlfcn.h>
#include <link.h>

#include "instrument/unwind/dwarf_cursor.h"

#pragma weak _dl_find_object

namespace leakhunt::tracker {

namespace {

uint64_t fingerprint_of(const UnwindObject& object) {
  uint64_t words[5] = {object.begin, object.end, reinterpret_cast<uint64_t>(object.header)};
  // The header's start: version and encodings, .eh_frame's place, number of functions, the first one's place.
  __builtin_memcpy(words + 3, object.header, 16);
  uint64_t mixed = 0;
  for (const uint64_t word : words) {
    mixed = (mixed ^ word) * 0x9E3779B97F4A7C15u;
    mixed ^= mixed >> 32;
  }
  return mixed;
}

// --- without _dl_find_object

struct Search {
  uintptr_t address;
  UnwindObject* object;
};

int look_into_object(dl_phdr_info* info, size_t, void* argument) {
  const Search& search = *static_cast<const Search*>(argument);
  uintptr_t begin = UINTPTR_MAX;
  uintptr_t end = 0;
  uintptr_t header = 0;
  for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = info->dlpi_phdr[i];
    const uintptr_t from = info->dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_GNU_EH_FRAME) header = from;
    if (segment.p_type != PT_LOAD) continue;
    if (from < begin) begin = from;
    if (from + segment.p_memsz > end) end = from + segment.p_memsz;
  }
  if (search.address < begin || search.address >= end) return 0;
  *search.object = {begin, end, reinterpret_cast<const uint8_t*>(header), 0};
  return 1;
}

bool find_by_iteration(uintptr_t address, UnwindObject* object) {
  Search search{address, object};
  return dl_iterate_phdr(look_into_object, &search) == 1;
}

bool find_by_loader(uintptr_t address, UnwindObject* object) {
  dl_find_object found;
  if (_dl_find_object(reinterpret_cast<void*>(address), &found) != 0) return false;
  *object = {reinterpret_cast<uintptr_t>(found.dlfo_map_start),
             reinterpret_cast<uintptr_t>(found.dlfo_map_end),
             static_cast<const uint8_t*>(found.dlfo_eh_frame), 0};
  return true;
}

// --- .eh_frame

// One entry: { length: u32, or 0xFFFFFFFF and u64 | id: u32 | ... }. The id is 0 in a CIE, in an FDE the
// distance back from itself to its CIE.
struct Entry {
  const uint8_t* id_at;
  uint32_t id;
  const uint8_t* end;
};

// More than any function needs: what claims to be longer is no entry.
constexpr uint64_t kMaxEntry = 1u << 24;

bool read_entry(const uint8_t* at, Entry* entry) {
  DwarfCursor cursor(at, at + 16);
  uint64_t length = cursor.read<uint32_t>();
  if (length == 0xFFFFFFFFu) length = cursor.read<uint64_t>();
  if (length < sizeof entry->id || length > kMaxEntry) return false;
  entry->id_at = cursor.at();
  entry->id = cursor.read<uint32_t>();
  entry->end = entry->id_at + length;
  return true;
}

// The letters of a CIE's augmentation, each saying what lies in its data: z that there is data, R the
// encoding of addresses in the FDE, P a personality routine, L the encoding of its tables, S a signal frame,
// B AArch64 only.
bool read_augmentation(const char* letters, DwarfCursor* cursor, FrameDescription* out) {
  if (*letters == '\0') return true;
  if (*letters != 'z') return false;  // of compilers older than x86-64
  const uint64_t length = cursor->uleb();
  DwarfCursor data = *cursor;
  cursor->skip(length);
  for (++letters; *letters != '\0'; ++letters) {
    switch (*letters) {
      case 'R':
        out->pointer_encoding = data.read<uint8_t>();
        break;
      case 'P':
        data.skip_pointer(data.read<uint8_t>());
        break;
      case 'L':
        data.read<uint8_t>();
        break;
      case 'S':
        out->signal_frame = true;
        break;
      default:
        return false;
    }
  }
  return !data.failed();
}

// CIE after its id: { version: u8 | augmentation: text | (version 4: two u8) | alignment of code: uleb, of
// data: sleb | return address's column | augmentation's data | program }. `augmented`: the FDE has
// augmentation data too.
bool read_common(const uint8_t* at, FrameDescription* out, bool* augmented) {
  Entry entry;
  if (!read_entry(at, &entry) || entry.id != 0) return false;
  DwarfCursor cursor(entry.id_at + sizeof entry.id, entry.end);
  const uint8_t version = cursor.read<uint8_t>();
  if (version != 1 && version != 3 && version != 4) return false;
  const char* letters = reinterpret_cast<const char*>(cursor.at());
  while (cursor.read<char>() != '\0') {
  }
  if (version == 4) cursor.skip(2);
  out->code_alignment = cursor.uleb();
  out->data_alignment = cursor.sleb();
  out->return_column = version == 1 ? cursor.read<uint8_t>() : cursor.uleb();
  if (cursor.failed() || !read_augmentation(letters, &cursor, out)) return false;
  *augmented = *letters == 'z';
  out->common_program = cursor.at();
  out->common_program_end = entry.end;
  return !cursor.failed();
}

// FDE after its id: { begin: encoded | size: in the same format | augmentation's data | program }.
bool read_description(const Entry& entry, FrameDescription* out) {
  *out = FrameDescription{};
  bool augmented = false;
  if (!read_common(entry.id_at - entry.id, out, &augmented)) return false;
  DwarfCursor cursor(entry.id_at + sizeof entry.id, entry.end);
  out->begin = cursor.pointer(out->pointer_encoding, 0);
  out->end = out->begin + cursor.pointer(out->pointer_encoding & 0x0F, 0);
  if (augmented) cursor.skip(cursor.uleb());
  out->program = cursor.at();
  out->program_end = entry.end;
  return !cursor.failed();
}

bool covers(const FrameDescription& description, uintptr_t address) {
  return address >= description.begin && address < description.end;
}

// --- .eh_frame_hdr

// The table as every linker writes it: pairs of 32-bit distances from the header, sorted by the first.
struct TableRow {
  int32_t begin;
  int32_t description;
};

const uint8_t* search_table(const UnwindObject& object, const TableRow* rows, uint64_t count,
                            uintptr_t address) {
  const int64_t wanted = static_cast<int64_t>(address - reinterpret_cast<uintptr_t>(object.header));
  uint64_t first = 0;  // rows before begin at or below the address
  for (uint64_t left = count; left > 0;) {
    const uint64_t half = left / 2;
    if (rows[first + half].begin <= wanted) {
      first += half + 1;
      left -= half + 1;
    } else {
      left = half;
    }
  }
  return first == 0 ? nullptr : object.header + rows[first - 1].description;
}

// No table: every entry in turn, to the one of length 0.
bool scan(const uint8_t* at, uintptr_t address, FrameDescription* out) {
  Entry entry;
  for (; read_entry(at, &entry); at = entry.end) {
    if (entry.id != 0 && read_description(entry, out) && covers(*out, address)) return true;
  }
  return false;
}

}  // namespace

bool find_unwind_object(uintptr_t address, UnwindObject* object) {
  *object = UnwindObject{};
  const bool found =
      _dl_find_object != nullptr ? find_by_loader(address, object) : find_by_iteration(address, object);
  if (!found || object->header == nullptr) return false;
  object->fingerprint = fingerprint_of(*object);
  return true;
}

// .eh_frame_hdr: { version: u8 = 1 | encodings of: .eh_frame's address, the count, the table: 3 x u8 | the
// three }.
bool find_frame_description(const UnwindObject& object, uintptr_t address, FrameDescription* description) {
  constexpr size_t kMaxHeader = 32;
  const uintptr_t header = reinterpret_cast<uintptr_t>(object.header);
  DwarfCursor cursor(object.header, object.header + kMaxHeader);
  if (cursor.read<uint8_t>() != 1) return false;
  const uint8_t frame_encoding = cursor.read<uint8_t>();
  const uint8_t count_encoding = cursor.read<uint8_t>();
  const uint8_t table_encoding = cursor.read<uint8_t>();
  const uint8_t* eh_frame = reinterpret_cast<const uint8_t*>(cursor.pointer(frame_encoding, header));
  if (cursor.failed()) return false;
  if (count_encoding == kPointerOmitted || table_encoding != (kPointerRelativeToData | kPointerSdata4)) {
    return scan(eh_frame, address, description);
  }
  const uint64_t count = cursor.pointer(count_encoding, header);
  if (cursor.failed()) return false;
  const uint8_t* at = search_table(object, reinterpret_cast<const TableRow*>(cursor.at()), count, address);
  Entry entry;
  return at != nullptr && read_entry(at, &entry) && entry.id != 0 && read_description(entry, description) &&
         covers(*description, address);
}

}  // namespace leakhunt::tracker
