#include "cli/same_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "reports/formats/escape.h"
#include "reports/formats/units.h"

namespace leakhunt::cli {

namespace {

constexpr size_t kPiece = 1 << 20;
constexpr char kSubject[] = "same result";

size_t read_piece(std::ifstream& file, std::vector<char>& piece) {
  file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
  return static_cast<size_t>(file.gcount());
}

struct Compared {
  int64_t bytes = 0;                        // that both have
  std::optional<int64_t> first_difference;  // also where the shorter one ends
};

Compared compare(std::ifstream& a, std::ifstream& b) {
  std::vector<char> of_a(kPiece), of_b(kPiece);
  Compared result;
  for (;;) {
    const size_t read_of_a = read_piece(a, of_a);
    const size_t read_of_b = read_piece(b, of_b);
    const size_t common = std::min(read_of_a, read_of_b);
    const auto [at, other] =
        std::mismatch(of_a.begin(), of_a.begin() + static_cast<ptrdiff_t>(common), of_b.begin());
    const int64_t same = at - of_a.begin();
    const bool differs = same != static_cast<int64_t>(common) || read_of_a != read_of_b;
    if (differs) result.first_difference = result.bytes + same;
    result.bytes += static_cast<int64_t>(common);
    if (differs || common == 0) return result;
  }
}

// Where a result holds nothing for long, something was left out of it: a checkpoint without its moments has
// the right size and good checksums.
constexpr int64_t kLongSilence = 64 << 10;
constexpr size_t kSilencesShown = 3;

struct Silence {
  int64_t begin = 0;
  int64_t bytes = 0;
};

std::vector<Silence> find_silences(std::ifstream& file) {
  std::vector<char> piece(kPiece);
  std::vector<Silence> silences;
  Silence now;
  const auto end_here = [&](int64_t at) {
    if (now.bytes >= kLongSilence) silences.push_back(now);
    now = {at + 1, 0};
  };
  int64_t at = 0;
  while (const size_t read = read_piece(file, piece)) {
    for (size_t i = 0; i < read; ++i, ++at) {
      if (piece[i] == 0) {
        ++now.bytes;
      } else {
        end_here(at);
      }
    }
  }
  end_here(at);
  return silences;
}

// "; in it are 370,456 zeros from byte 371,088 on: ..."; empty: none.
std::string silence_clause(const std::vector<Silence>& silences) {
  std::string text;
  for (size_t i = 0; i < std::min(silences.size(), kSilencesShown); ++i) {
    text += fmt::format("{}{} zeros from byte {} on", text.empty() ? "; in it are " : ", ",
                        reports::human_count(silences[i].bytes), reports::human_count(silences[i].begin));
  }
  if (silences.size() > kSilencesShown)
    text += fmt::format(", and {} more such places", silences.size() - kSilencesShown);
  return text.empty() ? text : text + ": perhaps what it lacks";
}

}  // namespace

reports::Check compare_with_uninterrupted(const std::filesystem::path& name,
                                          const std::filesystem::path& of_chunks,
                                          const std::filesystem::path& of_whole) {
  const std::string shown = reports::escape_line(name.string());
  for (const auto& path : {of_chunks, of_whole}) {
    if (std::ifstream(path, std::ios::binary)) continue;
    return {reports::CheckState::kInconclusive,
            fmt::format("{}: {}, so the chunks cannot be compared with one uninterrupted run",
                        reports::escape_line(path.string()), std::strerror(errno)),
            kSubject};
  }
  std::ifstream a(of_chunks, std::ios::binary), b(of_whole, std::ios::binary);
  const Compared compared = compare(a, b);
  if (!compared.first_difference) {
    return {reports::CheckState::kPassed,
            fmt::format("{} is the same as after one uninterrupted run, to the last of {} bytes", shown,
                        reports::human_count(compared.bytes)),
            kSubject};
  }
  std::ifstream again(of_chunks, std::ios::binary);
  return {reports::CheckState::kFailed,
          fmt::format(
              "{} differs from that of one uninterrupted run, first at byte {}: a chunk does not go on "
              "with all that the one before it had{}",
              shown, reports::human_count(*compared.first_difference), silence_clause(find_silences(again))),
          kSubject};
}

}  // namespace leakhunt::cli
