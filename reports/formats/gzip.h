// gzip: a compressed stream over another one, for formats whose readers want .gz. No time and no name in it,
// so that the same content gives the same bytes.
#pragma once

#include <iosfwd>
#include <memory>
#include <string_view>

namespace leakhunt::reports {

class GzipWriter {
 public:
  // `out` outlives the writer.
  explicit GzipWriter(std::ostream& out);
  ~GzipWriter();
  GzipWriter(const GzipWriter&) = delete;
  GzipWriter& operator=(const GzipWriter&) = delete;

  void write(std::string_view bytes);
  // Once, at the end: nothing may be written after it.
  void finish();

 private:
  struct State;
  void pump(int flush);

  std::ostream& out_;
  std::unique_ptr<State> state_;
};

}  // namespace leakhunt::reports
