#include "lib/recording/sampling_codec.h"

namespace leakhunt::recording {

void encode(Encoder& out, const SamplingRecord& record) {
  put_varint(out, record.iteration);
  put_varint(out, record.interval_bytes);
  put_varint(out, record.stacks_end ? 1 : 0);
  put_varint(out, record.error);
  put_varint(out, record.allocations);
  put_varint(out, record.allocated_bytes);
  put_varint(out, record.frees);
  put_varint(out, record.group_limit_bytes);
}

SamplingRecord decode_sampling(Decoder& in) {
  SamplingRecord record{};
  record.iteration = get_varint(in);
  record.interval_bytes = get_varint(in);
  const uint64_t stacks_end = get_varint(in);
  record.error = get_varint(in);
  record.allocations = get_varint(in);
  record.allocated_bytes = get_varint(in);
  record.frees = get_varint(in);
  record.group_limit_bytes = in.cursor != in.end ? get_varint(in) : 0;  // older ones do not say
  constexpr uint64_t kLongest = uint64_t{1} << 48;
  const bool is_power = (record.interval_bytes & (record.interval_bytes - 1)) == 0;
  if (stacks_end > 1 || !is_power || record.interval_bytes > kLongest || record.error > INT32_MAX)
    in.failed = true;
  record.stacks_end = stacks_end == 1;
  return record;
}

}  // namespace leakhunt::recording
