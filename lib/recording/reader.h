// Reader: a recording's file -> Run. The one door through which reports and the runner see a recording.
//
//   auto run = read_recording("recording.lhr");            // a finished one
//   if (!run) fail(run.error().message);
//
//   Reader reader("recording.lhr");                        // one that is still being written
//   while (running) {
//     if (auto more = reader.poll(Growth::kGrowing); !more) fail(more.error().message);
//     show(reader.run().snapshots);
//   }
//
// Damage is data: whatever the file holds behind a right header, there is a Run, and Run::damage says what is
// missing in it. An Error is a file that is no recording at all. Memory is bounded by a multiple of the
// file's size.
#pragma once

#include <string>

#include <tl/expected.hpp>

#include "lib/recording/error.h"
#include "lib/recording/frame_scanner.h"
#include "lib/recording/run.h"
#include "lib/recording/run_builder.h"
#include "lib/recording/superseded_peaks.h"

namespace leakhunt::recording {

// Which snapshots of peaks are read: all, or those that stay when the recording is packed
// (superseded_peaks.h): then the Run is the one that will be read from the packed file.
enum class Peaks { kAll, kThatStay };

// Follows one file. Not thread-safe.
class Reader {
 public:
  // Does not touch the file yet. Peaks::kThatStay is for a file to which no target appends any more.
  explicit Reader(std::string path, Peaks peaks = Peaks::kAll) : scanner_(std::move(path)), choice_(peaks) {}

  // Reads what was appended since the last call; true if run() changed by at least one record. The same Run
  // results however the file's growth was divided among calls, if the last of them had Growth::kFinished.
  // kGrowing saves the look behind the zeros at the file's end: for a file that is still being written. After
  // an Error run() is what it was, and calling again is allowed (the file may be there by then).
  tl::expected<bool, Error> poll(Growth growth = Growth::kFinished);

  // What was read so far; the reference stays valid, its content changes with poll().
  const Run& run() const { return builder_.run(); }

  // The Run itself; the reader is of no use afterwards.
  Run take_run() && { return std::move(builder_.run()); }

 private:
  void look_at_peaks();
  void take(const Frame& frame);

  FrameScanner scanner_;
  Peaks choice_;  // kAll, once it was made
  std::optional<SupersededPeaks> peaks_;
  RunBuilder builder_;
};

// All of a recording at once.
tl::expected<Run, Error> read_recording(const std::string& path);

}  // namespace leakhunt::recording
