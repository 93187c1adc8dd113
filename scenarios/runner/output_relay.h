// output_relay: the target's output on its way to the user, byte for byte and at once, with somebody who
// reads along.
//
// Where the user has a terminal the target gets one (a pseudo terminal of the same size and modes that
// changes no byte), otherwise a pipe. Streams that were one stay one, so that their order is kept. The
// terminal that the target reads its input from, and that sends it signals, stays the user's.
//
// When the user's end is gone (a pipe into head), the target's is closed: it gets SIGPIPE or EPIPE, as
// without us. Output of children that outlive the target is passed on by a process that outlives us.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace leakhunt::runner {

// Who reads along. Called in a thread of its own for each stream, before the bytes are passed on: begin(),
// and then either read() or, once, end().
class OutputReader {
 public:
  virtual ~OutputReader() = default;
  virtual void begin() = 0;  // before bytes leave the target's pipe
  virtual void read(std::string_view bytes) = 0;
  virtual void end() = 0;
};
using MakeOutputReader = std::function<std::unique_ptr<OutputReader>()>;

class OutputRelay {
 public:
  // For standard output and standard error as they are now. The error is a sentence.
  static tl::expected<std::unique_ptr<OutputRelay>, std::string> create(const MakeOutputReader& make_reader);
  ~OutputRelay();
  OutputRelay(const OutputRelay&) = delete;
  OutputRelay& operator=(const OutputRelay&) = delete;

  // What the target shall have as its streams 1 and 2; -1: what we have.
  int target_end(int stream) const;

  // After the launch (a fork that needs us to have one thread): closes the target's ends here and begins to
  // read.
  void start(pid_t target);

  // After the target's end: returns when everything it wrote has been passed on.
  void finish();

 private:
  class Channel;
  OutputRelay();

  std::vector<std::unique_ptr<Channel>> channels_;
  Channel* of_stream_[3] = {};
};

}  // namespace leakhunt::runner
