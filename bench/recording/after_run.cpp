// after_run: where the time goes between a program's end and its report, and what a recording's bytes are.
//
//   LD_PRELOAD=lib/libleakhunt.so LEAKHUNT_RECORDING=r.lhr PROGRAM; bin/bench/after_run r.lhr
//
// Works on a copy. Each step as `leakhunt run` does it, one after the other; milliseconds of processor time
// and of the clock. Then the records by kind: their bytes as the target wrote them, and as streams, each
// compressed by itself (together they come to a little less).
#include <zstd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>

#include <sys/resource.h>

#include "lib/recording/appender.h"
#include "lib/recording/frame_scanner.h"
#include "lib/recording/packing.h"
#include "lib/recording/reader.h"
#include "reports/formats/formats.h"
#include "reports/report.h"
#include "scenarios/runner/data_names.h"
#include "scenarios/runner/symbolise.h"

namespace {

using namespace leakhunt;

void step(const char* name, const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  const std::clock_t processor = std::clock();
  work();
  const std::chrono::duration<double, std::milli> wall = std::chrono::steady_clock::now() - begin;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("  %-22s %8.1f ms  %8.1f ms of processor time  %6ld MB at most so far\n", name, wall.count(),
              1e3 * static_cast<double>(std::clock() - processor) / CLOCKS_PER_SEC, usage.ru_maxrss / 1024);
}

template <typename T>
T opened(tl::expected<T, recording::Error> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "after_run: %s\n", result.error().message.c_str());
  std::exit(2);
}

void time_steps(const std::string& file) {
  recording::Run run;
  recording::Symbols symbols;
  step("read", [&] { run = opened(recording::read_recording(file)); });
  step("name code", [&] { symbols = runner::symbolise(run); });
  recording::DataNames names;
  step("name data", [&] { names = runner::name_data(run, symbols); });
  recording::Outcome outcome;
  step("append", [&] {
    if (!recording::append_host_records(file, symbols, {}, outcome, {}, names)) std::exit(2);
  });
  std::filesystem::copy_file(file, file + ".plain", std::filesystem::copy_options::overwrite_existing);
  step("pack", [&] {
    if (!recording::pack_recording(file)) std::exit(2);
  });
  step("read packed", [&] { run = opened(recording::read_recording(file)); });
  reports::Report report;
  step("analyse", [&] { report = reports::analyse(run); });
  for (const reports::Format& format : reports::all_formats()) {
    if (!format.of_every_run || !format.why_not().empty()) continue;
    step(format.file_name.data(), [&] {
      std::ofstream out(file + ".report", std::ios::binary);
      format.write(report, out);
    });
  }
}

size_t compressed(std::span<const uint8_t> bytes) {
  std::vector<uint8_t> to(ZSTD_compressBound(bytes.size()));
  const size_t size = ZSTD_compress(to.data(), to.size(), bytes.data(), bytes.size(), 19);
  return ZSTD_isError(size) != 0 ? 0 : size;
}

void show_bytes(const std::string& plain) {
  recording::FrameScanner scanner(plain);
  if (!scanner.refresh()) return;
  recording::Frame frame;
  recording::Skipped skipped;
  std::map<int, std::pair<uint64_t, uint64_t>> kinds;
  recording::StreamWriter streams;
  while (scanner.next(&frame, &skipped)) {
    auto& [records, bytes] = kinds[static_cast<int>(frame.type)];
    ++records;
    bytes += frame.payload.size();
    streams.add(frame.type, frame.payload);
  }
  std::printf("  kind of record   records      bytes\n");
  for (const auto& [kind, sum] : kinds)
    std::printf("  %14d %9lu %10lu\n", kind, static_cast<unsigned long>(sum.first),
                static_cast<unsigned long>(sum.second));
  std::printf("  stream      bytes  compressed\n");
  for (size_t i = 0; i < recording::kStreams; ++i) {
    const auto& stream = streams.streams()[i];
    if (!stream.empty()) std::printf("  %6zu %10zu %11zu\n", i, stream.size(), compressed(stream));
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "after_run: name a recording that is not packed\n");
    return 2;
  }
  const std::string copy = std::filesystem::temp_directory_path() / "after_run.lhr";
  std::filesystem::copy_file(arguments[1], copy, std::filesystem::copy_options::overwrite_existing);
  std::printf("%s, %ju bytes\n", arguments[1], static_cast<uintmax_t>(std::filesystem::file_size(copy)));
  time_steps(copy);
  std::printf("  packed: %ju bytes\n", static_cast<uintmax_t>(std::filesystem::file_size(copy)));
  show_bytes(copy + ".plain");
  for (const char* end : {"", ".plain", ".report"}) std::filesystem::remove(copy + end);
  return 0;
}
