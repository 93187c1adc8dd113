#include "lib/recording/host_codec.h"

#include <gtest/gtest.h>

#include <random>
#include <tuple>

#include "tests/lib/recording/run_comparison.h"
#include "tests/lib/recording/seed.h"

namespace leakhunt::recording {
namespace {

Decoder decoder_of(const Payload& payload) {
  return {payload.data(), payload.data() + payload.size()};
}

std::string any_text(std::mt19937_64& random) {
  std::string text(random() % 3000 * (random() % 2), '\0');
  for (char& letter : text) letter = static_cast<char>(random());
  return text;
}

int any_int(std::mt19937_64& random) {
  return static_cast<int>(static_cast<int64_t>(random()) >> (32 + random() % 31));
}

Scenario any_scenario(std::mt19937_64& random) {
  Scenario scenario{any_text(random), any_text(random), any_text(random), any_text(random), {},
                    random(),         random(),         any_text(random)};
  for (uint64_t i = random() % 4; i > 0; --i) scenario.command.push_back(any_text(random));
  return scenario;
}

Symbols any_symbols(std::mt19937_64& random) {
  Symbols symbols;
  for (uint64_t i = random() % 30; i > 0; --i) {
    Symbol symbol{random(), any_text(random), random(), {}};
    for (uint64_t k = random() % 4; k > 0; --k) {
      symbol.source_frames.push_back({any_text(random), random() % 2 == 0 ? "a.cpp" : "",
                                      static_cast<uint32_t>(random()), random() % 2 == 0});
    }
    symbols.emplace(symbol.address, symbol);
  }
  return symbols;
}

std::vector<Symbol> values_of(const Symbols& symbols) {
  std::vector<Symbol> values;
  for (const auto& [address, symbol] : symbols) values.push_back(symbol);
  return values;
}

template <typename Record>
void decode_whole(const Payload& payload, Record* record) {
  Decoder in = decoder_of(payload);
  EXPECT_TRUE(decode(in, record));
  EXPECT_EQ(in.cursor, in.end);
}

TEST(HostCodec, EveryRecordComesBackAsItWas) {
  const Seed seed;
  std::mt19937_64 random(seed.value);
  for (int round = 0; round < 100; ++round) {
    recording::Run written;
    written.scenario = any_scenario(random);
    if (random() % 2 == 0) written.budget.peak_rss_bytes = random();
    if (random() % 2 == 0) written.budget.growth_bytes_per_iteration = -1.5e300;
    if (random() % 2 == 0) written.budget.min_iterations_per_second = 0.1;
    written.outcome = {any_int(random), any_int(random), any_text(random), random(), random()};
    for (uint64_t i = random() % 50; i > 0; --i) written.host_samples.push_back({random(), random()});
    written.symbols = any_symbols(random);

    recording::Run read;
    HostSamplesPart part;
    decode_whole(encode(*written.scenario), &read.scenario.emplace());
    decode_whole(encode(written.budget), &read.budget);
    decode_whole(encode(*written.outcome), &read.outcome.emplace());
    decode_whole(encode_symbols(values_of(written.symbols)), &read.symbols);
    decode_whole(encode_host_samples(7, written.host_samples), &part);
    EXPECT_EQ(part.first, 7u);
    read.host_samples = part.samples;
    ASSERT_EQ(describe(read), describe(written)) << seed << "round " << round;
  }
}

// Fails for every strict prefix, and passes over bytes behind the known fields.
template <typename Record>
void expect_exact(const Payload& payload) {
  for (size_t size = 0; size < payload.size(); ++size) {
    Decoder in{payload.data(), payload.data() + size};
    Record record;
    EXPECT_FALSE(decode(in, &record)) << size << " of " << payload.size();
  }
  Payload longer = payload;
  longer.push_back(0xFF);
  Decoder in = decoder_of(longer);
  Record record;
  EXPECT_TRUE(decode(in, &record));
}

TEST(HostCodec, NotesAndSymbolsOfLaterModulesComeBackAsTheyWere) {
  Symbol plain{0x1000, "/lib/a.so", 0x10, {{"f", "a.c", 1, false}}};
  Symbol noted{0x2000, "/lib/b.so", 0x20, {}};
  noted.note = "the file is gone";
  Symbol shared{0x3000, "/lib/c.so", 0x30, {{"c", "c.c", 3, false}}};
  shared.later.push_back({0x3000, "/lib/d.so", 0x40, {{"d", "d.c", 4, false}}});
  shared.later.back().module_id = ModuleId{7};
  shared.later.back().note = "a note";
  Symbols read;
  decode_whole(encode_symbols(std::vector<Symbol>{plain, noted, shared}), &read);
  ASSERT_EQ(read.size(), 3u);
  EXPECT_EQ(read.at(0x1000).note, "");
  EXPECT_TRUE(read.at(0x1000).later.empty());
  EXPECT_EQ(read.at(0x2000).note, "the file is gone");
  ASSERT_EQ(read.at(0x3000).later.size(), 1u);
  const Symbol& later = read.at(0x3000).later.front();
  EXPECT_EQ(later.address, 0x3000u);
  EXPECT_EQ(later.module, "/lib/d.so");
  EXPECT_EQ(later.offset, 0x40u);
  EXPECT_EQ(later.source_frames.at(0).function, "d");
  EXPECT_EQ(later.module_id, ModuleId{7});
  EXPECT_EQ(later.note, "a note");
}

Budget budget_of_everything() {
  Budget budget;
  Limit limit;
  limit.scope = {"arena.*", "Tape::*", "lib/*", "worker"};
  limit.cost = Cost::kAllocations;
  limit.most = 12.5;
  limit.percent = 10;
  limit.baseline = 7;
  limit.optional = true;
  limit.owner = "trainers";
  limit.reason = "a reason";
  budget.limits = {limit, Limit{}};
  budget.suppressions = {{{"heap", "", "", ""}, 20'000, "somebody", "known"}};
  budget.build = "x86_64 -O2";
  budget.positive_control = true;
  return budget;
}

TEST(HostCodec, LimitsAndSuppressionsComeBackAsTheyWere) {
  const Payload payload = encode_limits(budget_of_everything());
  Decoder in = decoder_of(payload);
  Budget read;
  read.peak_rss_bytes = 5;
  ASSERT_TRUE(decode_limits(in, &read));
  EXPECT_EQ(in.cursor, in.end);
  EXPECT_EQ(read.peak_rss_bytes, 5u) << "which another record holds";
  ASSERT_EQ(read.limits.size(), 2u);
  const Limit& limit = read.limits.front();
  EXPECT_EQ(limit.name,
            "tag arena.*, function Tape::*, file lib/*, thread worker: allocations beside the baseline");
  EXPECT_EQ(limit.most, 12.5);
  EXPECT_EQ(limit.percent, 10);
  EXPECT_EQ(limit.baseline, 7);
  EXPECT_TRUE(limit.optional);
  EXPECT_EQ(limit.owner + limit.reason, "trainersa reason");
  EXPECT_FALSE(read.limits.back().percent);
  ASSERT_EQ(read.suppressions.size(), 1u);
  EXPECT_EQ(read.suppressions[0].scope.tag, "heap");
  EXPECT_EQ(read.suppressions[0].expires, 20'000u);
  EXPECT_EQ(read.build, "x86_64 -O2");
  EXPECT_TRUE(read.positive_control);
  EXPECT_EQ(encode_limits(read), payload);
  for (size_t size = 0; size < payload.size(); ++size) {
    const Payload cut(payload.begin(), payload.begin() + static_cast<ptrdiff_t>(size));
    Decoder short_in = decoder_of(cut);
    EXPECT_FALSE(decode_limits(short_in, &read)) << size;
  }
}

TEST(HostCodec, LimitsOnProcessesStandBehindWhatOlderRecordingsEndWith) {
  Budget budget = budget_of_everything();
  const size_t older = encode_limits(budget).size();
  budget.limits.back().scope.process = "worker*";
  budget.limits.back().scope.together = true;
  const Payload payload = encode_limits(budget);
  Budget read;
  Decoder in = decoder_of(payload);
  ASSERT_TRUE(decode_limits(in, &read));
  EXPECT_EQ(read.limits.back().name, "all processes worker* together: peak");
  EXPECT_EQ(encode_limits(read), payload);
  for (size_t size = older; size < payload.size(); ++size) {
    const Payload cut(payload.begin(), payload.begin() + static_cast<ptrdiff_t>(size));
    Decoder short_in = decoder_of(cut);
    EXPECT_EQ(decode_limits(short_in, &read), size == older) << size;
  }
  Payload other = payload;
  other[older] = 2;  // of a limit that there is not
  Decoder wrong = decoder_of(other);
  EXPECT_FALSE(decode_limits(wrong, &read));
}

TwinSpeed twin_speed_of_everything() {
  TwinSpeed speed;
  speed.twin = "healthy";
  speed.least_ratio = 0.75;
  speed.processors = 2;
  speed.processors_needed = 3;
  speed.pairs = {{{1.5, 10, 11, 12, 13, 14}, {2.5, 20, 21, 22, 23, 24}}, SpeedPair{}};
  speed.clues = {{"locks: ", "much", "none"}};
  speed.obstacle = "it was interrupted";
  return speed;
}

TEST(HostCodec, TheSpeedOfATwinComesBackAsItWas) {
  const Payload payload = encode(twin_speed_of_everything());
  TwinSpeed read;
  decode_whole(payload, &read);
  EXPECT_EQ(read.twin + read.obstacle, "healthyit was interrupted");
  EXPECT_EQ(read.processors_needed, 3u);
  ASSERT_EQ(read.pairs.size(), 2u);
  EXPECT_EQ(read.pairs[0].subject.per_second, 1.5);
  EXPECT_EQ(read.pairs[0].twin.involuntary_switches, 24u);
  ASSERT_EQ(read.clues.size(), 1u);
  EXPECT_EQ(read.clues[0].about + read.clues[0].subject + read.clues[0].twin, "locks: muchnone");
  EXPECT_EQ(encode(read), payload);
  expect_exact<TwinSpeed>(payload);
}

TEST(HostCodec, ACertaintyComesBackAsItWas) {
  const Payload payload = encode(Certainty{0.99, 120, 1000, 7, true, "its blocks are lost"});
  Certainty read;
  decode_whole(payload, &read);
  EXPECT_EQ(read.confidence, 0.99);
  EXPECT_EQ(read.because, "its blocks are lost");
  EXPECT_TRUE(read.fails);
  EXPECT_EQ(encode(read), payload);
  expect_exact<Certainty>(payload);
}

TEST(HostCodec, CutOffAnywhereARecordFails) {
  const auto run = recording_of_everything().run();
  expect_exact<Scenario>(encode(*run.scenario));
  expect_exact<Budget>(encode(run.budget));
  expect_exact<Outcome>(encode(*run.outcome));
  expect_exact<HostSamplesPart>(encode_host_samples(0, run.host_samples));
  expect_exact<Symbols>(encode_symbols(values_of(run.symbols)));
  expect_exact<TornTail>(encode(TornTail{300}));
}

TEST(HostCodec, RefusesCountsThatThePayloadCannotHold) {
  Payload huge(9, 0xFF);
  huge.push_back(0x01);  // 2^64 - 1
  Decoder in = decoder_of(huge);
  Symbols symbols;
  EXPECT_FALSE(decode(in, &symbols));
  huge.insert(huge.begin(), 0);
  in = decoder_of(huge);
  HostSamplesPart part;
  EXPECT_FALSE(decode(in, &part));
}

TEST(HostCodec, RefusesATableWhoseStringsWouldFillTheMemory) {
  Symbol symbol;
  symbol.module = std::string(60'000, 'x');
  std::vector<Symbol> symbols(2000, symbol);  // 120 MB in memory, 75 kB in the file
  for (size_t i = 0; i < symbols.size(); ++i) symbols[i].address = i;
  const Payload payload = encode_symbols(symbols);
  Decoder in = decoder_of(payload);
  Symbols read;
  EXPECT_FALSE(decode(in, &read));
}

TEST(HostCodec, CutsNamesThatAreLongerThanAnyNameShouldBe) {
  Outcome outcome;
  outcome.stopped_for = std::string(1 << 20, 'x');
  const Payload payload = encode(outcome);
  Decoder in = decoder_of(payload);
  ASSERT_TRUE(decode(in, &outcome));
  EXPECT_EQ(outcome.stopped_for.size(), 64u << 10);
}

}  // namespace
}  // namespace leakhunt::recording
