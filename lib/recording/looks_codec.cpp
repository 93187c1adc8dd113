// The records of what the runner did beside the run: races with a twin, and looks that were certain.
#include "lib/recording/host_fields.h"

namespace leakhunt::recording {

namespace {

void put_speed(Encoder& out, const SpeedOfRun& speed) {
  put_double(out, speed.per_second);
  put_varint(out, speed.iterations);
  put_varint(out, speed.wall_ns);
  put_varint(out, speed.cpu_ns);
  put_varint(out, speed.voluntary_switches);
  put_varint(out, speed.involuntary_switches);
}

SpeedOfRun get_speed(Decoder& in) {
  SpeedOfRun speed;
  speed.per_second = get_double(in);
  speed.iterations = get_varint(in);
  speed.wall_ns = get_varint(in);
  speed.cpu_ns = get_varint(in);
  speed.voluntary_switches = get_varint(in);
  speed.involuntary_switches = get_varint(in);
  return speed;
}

constexpr size_t kLeastPair = 26;  // bytes of the shortest
constexpr size_t kLeastClue = 3;

}  // namespace

Payload encode(const TwinSpeed& record) {
  return encoded(512, [&](Encoder& out) {
    put_string(out, record.twin);
    put_double(out, record.least_ratio);
    put_varint(out, record.processors);
    put_varint(out, record.processors_needed);
    put_varint(out, record.pairs.size());
    for (const SpeedPair& pair : record.pairs) {
      put_speed(out, pair.subject);
      put_speed(out, pair.twin);
    }
    put_varint(out, record.clues.size());
    for (const SpeedClue& clue : record.clues) {
      put_string(out, clue.about);
      put_string(out, clue.subject);
      put_string(out, clue.twin);
    }
    put_string(out, record.obstacle);
  });
}

bool decode(Decoder& in, TwinSpeed* record) {
  record->twin = get_string(in);
  record->least_ratio = get_double(in);
  record->processors = get_varint(in);
  record->processors_needed = get_varint(in);
  for (uint64_t left = get_count(in, kLeastPair); left > 0 && !in.failed; --left) {
    SpeedPair pair;
    pair.subject = get_speed(in);
    pair.twin = get_speed(in);
    record->pairs.push_back(pair);
  }
  for (uint64_t left = get_count(in, kLeastClue); left > 0 && !in.failed; --left) {
    SpeedClue clue;
    clue.about = get_string(in);
    clue.subject = get_string(in);
    clue.twin = get_string(in);
    record->clues.push_back(std::move(clue));
  }
  record->obstacle = get_string(in);
  return !in.failed;
}

Payload encode(const Certainty& record) {
  return encoded(256, [&](Encoder& out) {
    put_double(out, record.confidence);
    put_varint(out, record.iteration);
    put_varint(out, record.planned);
    put_varint(out, record.looks);
    put_varint(out, record.fails ? 1 : 0);
    put_string(out, record.because);
  });
}

bool decode(Decoder& in, Certainty* record) {
  record->confidence = get_double(in);
  record->iteration = get_varint(in);
  record->planned = get_varint(in);
  record->looks = get_varint(in);
  record->fails = get_presence(in);
  record->because = get_string(in);
  return !in.failed;
}

}  // namespace leakhunt::recording
