// threads: the process's threads in words and as a table.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "reports/formats/json_values.h"
#include "reports/report.h"

namespace leakhunt::reports {

// "main", "3 worker", "other threads". Escaped.
std::string thread_label(const recording::Run& run, uint32_t thread);

// The function it was started for, or "".
std::string start_routine_name(const recording::Run& run, const recording::Thread& thread);

// "7, at most 4 at once; their stacks: reserved 33.5 MB, touched 98.3 kB". Empty when no thread is recorded.
std::string threads_figure(const recording::Run& run);

// Threads that allocate at the finding's call sites, those of the steepest growth first. Empty where the
// recording is not split by thread.
std::vector<uint32_t> threads_of(const Report& report, const Finding& finding);

// "In 64 threads: 1 worker, 2 worker, ... ". Empty as above.
std::string threads_sentence(const Report& report, const Finding& finding);

// `leakhunt report --by-thread`: who allocated what; how to record it, where that is not known.
void write_threads(const Report& report, std::ostream& out);

// "threads" of report.json: an object each, at most 1,000 of them.
Json threads_json(const Report& report);
// "thread_stacks" of report.json.
Json thread_stacks_json(const Report& report);

}  // namespace leakhunt::reports
