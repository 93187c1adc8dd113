// Encode and decode of the records that the host writes, side by side; those of the target are in codec.h.
//
// encode() returns a payload. decode() fills `record` and returns false, leaving it as it was or partly
// filled, when the payload ended early or holds something impossible. Bytes behind the known fields are
// passed over, so that fields can be added at the end.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "lib/recording/budget.h"
#include "lib/recording/codec.h"
#include "lib/recording/run.h"

namespace leakhunt::recording {

using Payload = std::vector<uint8_t>;

Payload encode(const Scenario& record);
bool decode(Decoder& in, Scenario* record);

Payload encode(const Budget& record);
bool decode(Decoder& in, Budget* record);

// Of a budget what its own record does not hold.
Payload encode_limits(const Budget& budget);
bool decode_limits(Decoder& in, Budget* budget);

Payload encode(const Outcome& record);
bool decode(Decoder& in, Outcome* record);

// Consecutive samples; `first` is the index of the first of them. A part with first == 0 begins a new list.
struct HostSamplesPart {
  uint64_t first = 0;
  std::vector<HostSample> samples;
};
Payload encode_host_samples(uint64_t first, std::span<const HostSample> samples);
bool decode(Decoder& in, HostSamplesPart* record);

// Symbols, each string once. A symbol that is known already is replaced.
using Symbols = std::map<uint64_t, Symbol>;
Payload encode_symbols(std::span<const Symbol> symbols);
bool decode(Decoder& in, Symbols* symbols);

// Bytes cut off behind the last whole frame before the host's records were appended.
struct TornTail {
  uint64_t bytes = 0;
};
Payload encode(const TornTail& record);
bool decode(Decoder& in, TornTail* record);

// The file names of recordings, beside that of the process that ended.
using LeftRunning = std::vector<std::string>;
Payload encode_left_running(const LeftRunning& recordings);
bool decode(Decoder& in, LeftRunning* recordings);

// The names of the slots in heap graphs: variables and members.
Payload encode(const DataNames& names);
bool decode(Decoder& in, DataNames* names);

Payload encode(const TwinSpeed& record);
bool decode(Decoder& in, TwinSpeed* record);

Payload encode(const Certainty& record);
bool decode(Decoder& in, Certainty* record);

// The bytes of a string, for the target's records.
Bytes bytes_of(std::string_view text);
std::string_view view_of(Bytes bytes);

}  // namespace leakhunt::recording
