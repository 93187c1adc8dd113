#include "lib/recording/host_codec.h"

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>

#include "lib/recording/host_fields.h"

namespace leakhunt::recording {

namespace {

// A string of the table that a thousand symbols name is a thousand strings in memory. More than this many
// bytes for each byte of the payload is no table of symbols but an attack on the reader.
constexpr uint64_t kLargestExpansion = 1024;

}  // namespace

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string_view view_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data), bytes.size};
}

// --- scenario --------------------------------------------------------------------------------------------

Payload encode(const Scenario& record) {
  return encoded(512, [&](Encoder& out) {
    put_string(out, record.name);
    put_string(out, record.description);
    put_string(out, record.source);
    put_string(out, record.defect);
    put_varint(out, record.command.size());
    for (const std::string& argument : record.command) put_string(out, argument);
    put_varint(out, record.iterations);
    put_varint(out, record.warm_up);
    put_string(out, record.expected_verdict);
  });
}

bool decode(Decoder& in, Scenario* record) {
  record->name = get_string(in);
  record->description = get_string(in);
  record->source = get_string(in);
  record->defect = get_string(in);
  record->command.clear();
  for (uint64_t left = get_count(in, 1); left > 0 && !in.failed; --left)
    record->command.push_back(get_string(in));
  record->iterations = get_varint(in);
  record->warm_up = get_varint(in);
  record->expected_verdict = get_string(in);
  return !in.failed;
}

// --- budget ----------------------------------------------------------------------------------------------

Payload encode(const Budget& record) {
  return encoded(64, [&](Encoder& out) {
    put_optional(out, record.peak_rss_bytes);
    put_optional(out, record.growth_bytes_per_iteration);
    put_optional(out, record.min_iterations_per_second);
  });
}

bool decode(Decoder& in, Budget* record) {
  *record = {};
  if (get_presence(in)) record->peak_rss_bytes = get_varint(in);
  if (get_presence(in)) record->growth_bytes_per_iteration = get_double(in);
  if (get_presence(in)) record->min_iterations_per_second = get_double(in);
  return !in.failed;
}

// --- outcome ---------------------------------------------------------------------------------------------

Payload encode(const Outcome& record) {
  return encoded(256, [&](Encoder& out) {
    put_int(out, record.exit_status);
    put_int(out, record.signal);
    put_string(out, record.stopped_for);
    put_varint(out, record.wall_ns);
    put_varint(out, record.peak_rss_bytes);
    if (!record.not_recorded.empty()) put_string(out, record.not_recorded);
  });
}

bool decode(Decoder& in, Outcome* record) {
  record->exit_status = get_int(in);
  record->signal = get_int(in);
  record->stopped_for = get_string(in);
  record->wall_ns = get_varint(in);
  record->peak_rss_bytes = get_varint(in);
  Decoder more = in;  // a field that was added; other bytes may stand there
  const std::string not_recorded = get_string(more);
  if (in.failed || more.failed) return !in.failed;
  record->not_recorded = not_recorded;
  in = more;
  return !in.failed;
}

// --- host samples ----------------------------------------------------------------------------------------

Payload encode_host_samples(uint64_t first, std::span<const HostSample> samples) {
  return encoded(64 + samples.size() * 12, [&](Encoder& out) {
    put_varint(out, first);
    put_varint(out, samples.size());
    HostSample previous;
    for (const HostSample& sample : samples) {
      put_signed(out, static_cast<int64_t>(sample.time_ns - previous.time_ns));
      put_signed(out, static_cast<int64_t>(sample.rss_bytes - previous.rss_bytes));
      previous = sample;
    }
  });
}

bool decode(Decoder& in, HostSamplesPart* record) {
  record->first = get_varint(in);
  record->samples.clear();
  HostSample sample;
  for (uint64_t left = get_count(in, 2); left > 0 && !in.failed; --left) {
    sample.time_ns += static_cast<uint64_t>(get_signed(in));
    sample.rss_bytes += static_cast<uint64_t>(get_signed(in));
    record->samples.push_back(sample);
  }
  return !in.failed;
}

// --- symbols ---------------------------------------------------------------------------------------------

namespace {

// Strings in the order of their first use; "" is always 0.
class StringTable {
 public:
  StringTable() { index_of(""); }
  uint64_t index_of(std::string_view text) {
    const auto [known, added] = indices_.try_emplace(text, strings_.size());
    if (added) strings_.push_back(text);
    return known->second;
  }
  const std::vector<std::string_view>& strings() const { return strings_; }

 private:
  std::unordered_map<std::string_view, uint64_t> indices_;
  std::vector<std::string_view> strings_;
};

// The strings of a payload, handed out until the allowance is used up.
struct IndexedStrings {
  std::vector<std::string_view> strings;
  uint64_t allowance;
};

std::string_view get_indexed(Decoder& in, IndexedStrings& table) {
  const uint64_t index = get_varint(in);
  if (index >= table.strings.size() || table.strings[index].size() > table.allowance) {
    in.failed = true;
    return {};
  }
  table.allowance -= table.strings[index].size();
  return table.strings[index];
}

void put_source_frame(Encoder& out, const SourceFrame& frame, StringTable& strings) {
  put_varint(out, strings.index_of(frame.function));
  put_varint(out, strings.index_of(frame.file));
  put_varint(out, frame.line);
  put_varint(out, frame.inlined ? 1 : 0);
}

SourceFrame get_source_frame(Decoder& in, IndexedStrings& strings) {
  SourceFrame frame;
  frame.function = get_indexed(in, strings);
  frame.file = get_indexed(in, strings);
  const uint64_t line = get_varint(in);
  if (line > std::numeric_limits<uint32_t>::max()) in.failed = true;
  frame.line = static_cast<uint32_t>(line);
  frame.inlined = get_presence(in);
  return frame;
}

void put_place(Encoder& out, const Symbol& symbol, StringTable& strings) {
  put_varint(out, strings.index_of(symbol.module));
  put_varint(out, symbol.offset);
  put_varint(out, symbol.source_frames.size());
  for (const SourceFrame& frame : symbol.source_frames) put_source_frame(out, frame, strings);
}

void get_place(Decoder& in, Symbol* symbol, IndexedStrings& strings) {
  symbol->module = get_indexed(in, strings);
  symbol->offset = get_varint(in);
  for (uint64_t frames = get_count(in, 4); frames > 0 && !in.failed; --frames) {
    symbol->source_frames.push_back(get_source_frame(in, strings));
  }
}

void put_details(Encoder& out, const Symbol& symbol, StringTable& strings) {
  put_varint(out, symbol.module_id ? uint64_t{static_cast<uint32_t>(*symbol.module_id)} + 1 : 0);
  put_varint(out, strings.index_of(symbol.note));
}

void get_details(Decoder& in, Symbol* symbol, IndexedStrings& strings) {
  const uint64_t module = get_varint(in);
  if (module > uint64_t{std::numeric_limits<uint32_t>::max()} + 1) in.failed = true;
  if (module != 0) symbol->module_id = ModuleId{static_cast<uint32_t>(module - 1)};
  symbol->note = get_indexed(in, strings);
}

bool has_details(const Symbol& symbol) {
  return symbol.module_id || !symbol.note.empty() || !symbol.later.empty();
}

// What most symbols have none of stands apart, behind all of them.
void put_all_details(Encoder& out, std::span<const Symbol> symbols, StringTable& strings) {
  uint64_t count = 0;
  for (const Symbol& symbol : symbols) count += symbol.module_id || !symbol.note.empty() ? 1 : 0;
  put_varint(out, count);
  for (size_t i = 0; i < symbols.size(); ++i) {
    if (!symbols[i].module_id && symbols[i].note.empty()) continue;
    put_varint(out, i);
    put_details(out, symbols[i], strings);
  }
  count = 0;
  for (const Symbol& symbol : symbols) count += symbol.later.size();
  put_varint(out, count);
  for (size_t i = 0; i < symbols.size(); ++i) {
    for (const Symbol& later : symbols[i].later) {
      put_varint(out, i);
      put_place(out, later, strings);
      put_details(out, later, strings);
    }
  }
}

void get_all_details(Decoder& in, std::vector<Symbol>& symbols, IndexedStrings& strings) {
  const auto next = [&]() -> Symbol* {
    const uint64_t at = get_varint(in);
    if (at >= symbols.size()) in.failed = true;
    return in.failed ? nullptr : &symbols[at];
  };
  for (uint64_t left = get_count(in, 3); left > 0 && !in.failed; --left) {
    if (Symbol* symbol = next()) get_details(in, symbol, strings);
  }
  for (uint64_t left = get_count(in, 6); left > 0 && !in.failed; --left) {
    Symbol* first = next();
    if (first == nullptr) return;
    Symbol& later = first->later.emplace_back();
    later.address = first->address;
    get_place(in, &later, strings);
    get_details(in, &later, strings);
  }
}

}  // namespace

Payload encode_symbols(std::span<const Symbol> symbols) {
  StringTable strings;
  const Payload body = encoded(64 + symbols.size() * 32, [&](Encoder& out) {
    uint64_t previous = 0;
    for (const Symbol& symbol : symbols) {
      put_signed(out, static_cast<int64_t>(symbol.address - previous));
      previous = symbol.address;
      put_place(out, symbol, strings);
    }
    if (std::ranges::any_of(symbols, has_details)) put_all_details(out, symbols, strings);
  });
  Payload payload = encoded(1024 + strings.strings().size() * 64, [&](Encoder& out) {
    put_varint(out, strings.strings().size());
    for (const std::string_view text : strings.strings()) put_string(out, text);
    put_varint(out, symbols.size());
  });
  payload.insert(payload.end(), body.begin(), body.end());
  return payload;
}

bool decode(Decoder& in, Symbols* symbols) {
  IndexedStrings strings{{}, kLargestExpansion * static_cast<uint64_t>(in.end - in.cursor)};
  for (uint64_t left = get_count(in, 1); left > 0 && !in.failed; --left) {
    strings.strings.push_back(view_of(get_bytes(in)));
  }
  uint64_t address = 0;
  std::vector<Symbol> read;
  for (uint64_t left = get_count(in, 4); left > 0 && !in.failed; --left) {
    Symbol symbol;
    symbol.address = address += static_cast<uint64_t>(get_signed(in));
    get_place(in, &symbol, strings);
    if (!in.failed) read.push_back(std::move(symbol));
  }
  if (!in.failed && in.cursor != in.end) {  // what was added; other bytes may stand there
    std::vector<Symbol> detailed = read;
    Decoder more = in;
    get_all_details(more, detailed, strings);
    if (!more.failed) {
      read = std::move(detailed);
      in = more;
    }
  }
  for (Symbol& symbol : read) {
    const uint64_t at = symbol.address;
    symbols->insert_or_assign(at, std::move(symbol));
  }
  return !in.failed;
}

// --- torn tail -------------------------------------------------------------------------------------------

Payload encode(const TornTail& record) {
  return encoded(kMaxVarint, [&](Encoder& out) { put_varint(out, record.bytes); });
}

bool decode(Decoder& in, TornTail* record) {
  record->bytes = get_varint(in);
  return !in.failed;
}

// --- left running ----------------------------------------------------------------------------------------

Payload encode_left_running(const LeftRunning& recordings) {
  return encoded(256, [&](Encoder& out) {
    put_varint(out, recordings.size());
    for (const std::string& name : recordings) put_string(out, name);
  });
}

bool decode(Decoder& in, LeftRunning* recordings) {
  recordings->clear();
  for (uint64_t left = get_count(in, 1); left > 0 && !in.failed; --left)
    recordings->push_back(get_string(in));
  return !in.failed;
}

// --- data names ------------------------------------------------------------------------------------------

Payload encode(const DataNames& names) {
  return encoded(1024, [&](Encoder& out) {
    put_varint(out, names.variables.size());
    for (const auto& [address, name] : names.variables) {
      put_varint(out, address);
      put_string(out, name.variable);
      put_varint(out, name.offset);
      put_string(out, name.member);
    }
    put_varint(out, names.members.size());
    for (const auto& [key, name] : names.members) {
      put_varint(out, static_cast<uint64_t>(key.first));
      put_varint(out, key.second);
      put_string(out, name.type);
      put_string(out, name.member);
    }
  });
}

bool decode(Decoder& in, DataNames* names) {
  for (uint64_t left = get_count(in, 4); left > 0 && !in.failed; --left) {
    const uint64_t address = get_varint(in);
    DataName& name = names->variables[address];
    name.variable = get_string(in);
    name.offset = get_varint(in);
    name.member = get_string(in);
  }
  for (uint64_t left = get_count(in, 4); left > 0 && !in.failed; --left) {
    const uint64_t site = get_varint(in);
    if (site > UINT32_MAX) in.failed = true;
    MemberName& name = names->members[{static_cast<SiteId>(site), get_varint(in)}];
    name.type = get_string(in);
    name.member = get_string(in);
  }
  return !in.failed;
}

}  // namespace leakhunt::recording
