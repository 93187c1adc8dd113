// Checkpoints as files: what was written comes back, and anything else is refused in one line.
#include "lib/trainer/checkpoint.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "lib/recording/fast_crc.h"
#include "lib/trainer/resumption.h"
#include "tests/lib/trainer/counting_resource.h"
#include "tests/scenarios/runner/scratch_directory.h"

namespace leakhunt::trainer {
namespace {

using runner::content_of;
using runner::ScratchDirectory;

// The smallest training there is, after 7 iterations: 29 parameters, in single precision.
CheckpointHeader miniature() {
  return {
      .real_bytes = 4,
      .model =
          {.vocabulary = 3, .width = 1, .heads = 1, .layers = 1, .hidden = 1, .context = 2, .positions = 2},
      .adam = {},
      .schedule = {.peak = 0.5, .warm_up = 1, .total = 10},
      .seed = 9,
      .text = {.bytes = 5, .hash = 0x1122334455667788},
      .state = {.iterations = 7,
                .adam_steps = 7,
                .batch_random = {1, 2, 3, 4},
                .first_loss = 1.25,
                .loss_sum = 7.5,
                .loss_count = 7}};
}

std::vector<float> counted_up(float from, std::size_t count) {
  std::vector<float> values(count);
  for (float& value : values) value = from++;
  return values;
}

class CheckpointTest : public testing::Test {
 protected:
  void save(const CheckpointHeader& header) {
    const std::size_t count = header.model.parameter_count();
    const Vocabulary vocabulary("ab\u00e9", memory);
    CheckpointWriter writer(path.c_str(), memory);
    writer.begin(header, vocabulary);
    writer.write(counted_up(1, count));
    writer.write(counted_up(100, count));
    writer.write(counted_up(200, count));
    writer.commit();
  }
  void overwrite(const std::string& bytes) { folder.write("a.lhc", bytes); }
  std::string bytes() const { return content_of(path); }

  // Reads all of it.
  void load() {
    CheckpointReader reader(path, memory);
    std::vector<float> tensor(reader.header().model.parameter_count());
    for (int i = 0; i < 3; ++i) reader.read(tensor);
  }

  // What a refusal says; empty when the file was accepted. It is one line and names the file.
  std::string refusal() {
    try {
      load();
    } catch (const CheckpointError& error) {
      EXPECT_NE(std::string(error.what()).find(path), std::string::npos) << error.what();
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find(": "), std::string::npos) << "no mend: " << error.what();
      return error.what();
    }
    return {};
  }

  // The file with a header of our making and a checksum that fits it.
  void forge(const std::function<void(CheckpointHeader&)>& change) {
    CheckpointHeader header = miniature();
    std::string whole = bytes();
    change(header);
    encode(header, reinterpret_cast<std::byte*>(whole.data()));
    const std::size_t covered = checkpoint_header_bytes(3) - checkpoint_crc_bytes;
    const std::uint32_t crc = recording::fast_crc32c(0, whole.data(), covered);
    std::memcpy(whole.data() + covered, &crc, sizeof crc);
    overwrite(whole);
  }

  ScratchDirectory folder;
  std::string path = folder.path() / "a.lhc";
  CountingResource memory;
};

TEST_F(CheckpointTest, ComesBackAsItWasWritten) {
  save(miniature());
  CheckpointReader reader(path, memory);
  const CheckpointHeader& found = reader.header();
  const CheckpointHeader written = miniature();
  EXPECT_EQ(found.real_bytes, 4u);
  EXPECT_EQ(found.model, written.model);
  EXPECT_EQ(found.adam, written.adam);
  EXPECT_EQ(found.schedule.peak, 0.5);
  EXPECT_EQ(found.schedule.total, 10u);
  EXPECT_EQ(found.seed, 9u);
  EXPECT_EQ(found.text, written.text);
  EXPECT_EQ(found.state.iterations, 7u);
  EXPECT_EQ(found.state.batch_random, written.state.batch_random);
  EXPECT_EQ(found.state.first_loss, 1.25);
  EXPECT_EQ(found.state.loss_sum, 7.5);
  EXPECT_EQ(reader.vocabulary().size(), 3u);
  EXPECT_EQ(reader.vocabulary().token(U'\u00e9'), 2);
  std::vector<float> tensor(written.model.parameter_count());
  for (const float from : {1.0F, 100.0F, 200.0F}) {
    reader.read(tensor);
    EXPECT_EQ(tensor, counted_up(from, tensor.size()));
  }
}

TEST_F(CheckpointTest, TakesOneBufferHoweverLargeTheModelAndGivesItBack) {
  CheckpointHeader large = miniature();
  large.model.width = 200;  // over a megabyte
  large.model.positions = 2000;
  const std::uint64_t before = memory.allocations();
  for (int i = 0; i < 3; ++i) save(large);
  EXPECT_GT(std::filesystem::file_size(path), 16 * checkpoint_buffer_bytes);
  EXPECT_EQ(memory.live_bytes(), 0u);
  EXPECT_EQ(memory.largest_block(), checkpoint_buffer_bytes);
  EXPECT_LE(memory.peak_bytes(), checkpoint_buffer_bytes + 64) << "vocabulary and buffer";
  EXPECT_GT(memory.allocations(), before);
}

TEST_F(CheckpointTest, IsRefusedWithAnyBitOfItsHeaderFlipped) {
  save(miniature());
  const std::string good = bytes();
  for (std::size_t place = 0; place < checkpoint_header_bytes(3); ++place) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[place] = static_cast<char>(bad[place] ^ (1 << bit));
      overwrite(bad);
      EXPECT_NE(refusal(), "") << "bit " << bit << " of byte " << place;
    }
  }
  EXPECT_LE(memory.peak_bytes(), 2 * checkpoint_buffer_bytes) << "no length is believed unseen";
}

TEST_F(CheckpointTest, IsRefusedWithAnyBytesChangedAnywhere) {
  save(miniature());
  const std::string good = bytes();
  const unsigned seed = 20240607;
  std::mt19937 random(seed);
  for (int round = 0; round < 3000; ++round) {
    std::string bad = good;
    const int changes = 1 + static_cast<int>(random() % 4);
    for (int i = 0; i < changes; ++i) bad[random() % bad.size()] = static_cast<char>(random());
    if (bad == good) continue;
    overwrite(bad);
    EXPECT_NE(refusal(), "") << "seed " << seed << ", round " << round;
  }
}

TEST_F(CheckpointTest, IsRefusedCutOffAtAnyLengthOrLengthened) {
  save(miniature());
  const std::string good = bytes();
  for (std::size_t length = 0; length < good.size(); ++length) {
    overwrite(good.substr(0, length));
    EXPECT_NE(refusal().find("is cut off after " + std::to_string(length)), std::string::npos) << length;
  }
  overwrite(good + '\0');
  EXPECT_NE(refusal().find("bytes after its end"), std::string::npos);
  overwrite(good);
  EXPECT_EQ(refusal(), "");
}

TEST_F(CheckpointTest, IsRefusedWhenItIsSomethingElse) {
  overwrite("The quality of mercy is not strain'd");
  EXPECT_NE(refusal().find("is no checkpoint"), std::string::npos);
  overwrite(std::string(100'000, '\0'));
  EXPECT_NE(refusal().find("is no checkpoint"), std::string::npos);
  path = folder.path();
  EXPECT_NE(refusal().find("is a folder"), std::string::npos);
  path = folder.path() / "missing.lhc";
  EXPECT_NE(refusal().find("No such file"), std::string::npos);
  path = "/dev/null";
  EXPECT_NE(refusal().find("is no ordinary file"), std::string::npos);
  path = folder.path() / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_NE(refusal().find("is no ordinary file"), std::string::npos);
}

TEST_F(CheckpointTest, OfAnotherVersionSaysWhich) {
  save(miniature());
  std::string newer = bytes();
  newer[sizeof checkpoint_magic] = 2;
  overwrite(newer);
  EXPECT_NE(refusal().find("version 2, and this program reads version 1"), std::string::npos);
}

// Someone who computes checksums, too, gets no crash and no large allocation.
TEST_F(CheckpointTest, IsRefusedWithImpossibleContentsUnderAGoodChecksum) {
  save(miniature());
  constexpr Index most = std::numeric_limits<Index>::max();
  const std::function<void(CheckpointHeader&)> lies[] = {
      [](CheckpointHeader& h) { h.real_bytes = 5; },
      [](CheckpointHeader& h) { h.model.vocabulary = most; },
      [](CheckpointHeader& h) { h.model.vocabulary = 0; },
      [](CheckpointHeader& h) { h.model.vocabulary = 1'000'000; },
      [](CheckpointHeader& h) { h.model.width = most; },
      [](CheckpointHeader& h) { h.model.width = 60'000; },
      [](CheckpointHeader& h) { h.model.heads = 0; },
      [](CheckpointHeader& h) { h.model.heads = 2; },
      [](CheckpointHeader& h) { h.model.layers = 1 << 16; },
      [](CheckpointHeader& h) { h.model.hidden = most; },
      [](CheckpointHeader& h) { h.model.context = 0; },
      [](CheckpointHeader& h) { h.model.positions = 1; },
      [](CheckpointHeader& h) { h.schedule.peak = std::numeric_limits<double>::infinity(); },
      [](CheckpointHeader& h) { h.schedule.warm_up = 0; },
      [](CheckpointHeader& h) { h.state.batch_random = {}; },
      [](CheckpointHeader& h) { h.state.loss_sum = std::numeric_limits<double>::quiet_NaN(); },
  };
  const std::string good = bytes();
  for (const auto& lie : lies) {
    overwrite(good);
    forge(lie);
    EXPECT_NE(refusal(), "") << "lie " << &lie - lies;
  }
  EXPECT_LE(memory.peak_bytes(), 2 * checkpoint_buffer_bytes);
  overwrite(good);
  forge([](CheckpointHeader&) {});
  EXPECT_EQ(refusal(), "") << "the forger forges well";
}

TEST_F(CheckpointTest, WithAVocabularyOutOfOrderIsRefused) {
  save(miniature());
  std::string bad = bytes();
  std::swap(bad[checkpoint_fixed_bytes], bad[checkpoint_fixed_bytes + 4]);
  overwrite(bad);
  forge([](CheckpointHeader&) {});
  EXPECT_NE(refusal(), "");
}

// The disk fills up at every possible byte: the file that was there stays whole, and nothing is left beside
// it.
TEST_F(CheckpointTest, ThatCannotBeWrittenLeavesTheOneBefore) {
  save(miniature());
  const std::string good = bytes();
  CheckpointHeader next = miniature();
  next.state.iterations = 8;
  rlimit before = {};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  for (rlim_t room = 0; room < good.size(); room += 7) {
    const rlimit limit = {.rlim_cur = room, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
    std::string said;
    try {
      save(next);
    } catch (const CheckpointWriteError& error) {
      said = error.what();
    }
    setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_NE(said.find(path), std::string::npos) << room;
    EXPECT_EQ(bytes(), good) << room;
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1) << room;
    EXPECT_EQ(memory.live_blocks(), 0u) << room;
  }
  std::signal(SIGXFSZ, handler);
  save(next);
  EXPECT_NE(bytes(), good);
}

TEST_F(CheckpointTest, IntoAFolderThatIsMissingSaysSo) {
  path = folder.path() / "missing" / "a.lhc";
  EXPECT_THROW(save(miniature()), CheckpointWriteError);
  path = std::string(5000, 'x');
  EXPECT_THROW(save(miniature()), CheckpointWriteError);
}

TEST_F(CheckpointTest, IsTheOneOnThePage) {
  std::ifstream page(CHECKPOINT_FORMAT_PAGE);
  std::string on_the_page;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line == "```") inside = !inside;
    if (line == "```" || !inside) continue;
    std::istringstream words(line.substr(0, line.find(';')));
    std::string word;
    words >> word;
    EXPECT_EQ(std::stoul(word, nullptr, 16), on_the_page.size()) << line;
    while (words >> word) on_the_page.push_back(static_cast<char>(std::stoul(word, nullptr, 16)));
  }
  save(miniature());
  EXPECT_EQ(bytes().size(), 608u);
  EXPECT_EQ(on_the_page, bytes().substr(0, on_the_page.size()));
  EXPECT_EQ(on_the_page.size(), checkpoint_header_bytes(3)) << "the page shows the header whole";
}

// ---- does it belong to this training? --------------------------------------------------------------------

class ResumptionTest : public CheckpointTest {
 protected:
  std::string objection(const CheckpointHeader& wanted, std::uint64_t iterations,
                        const char* text = "ab\u00e9") {
    save(miniature());
    const CheckpointReader reader(path, memory);
    try {
      expect_resumable(reader, {wanted, Vocabulary(text, memory), iterations});
    } catch (const CheckpointError& error) {
      return error.what();
    }
    return {};
  }
};

TEST_F(ResumptionTest, GoesOnWhereNothingDiffers) {
  EXPECT_EQ(objection(miniature(), 8), "");
}

TEST_F(ResumptionTest, NamesTheFirstDifferenceAndTheMend) {
  const struct {
    std::function<void(CheckpointHeader&)> change;
    const char* says;
  } cases[] = {
      {[](CheckpointHeader& h) { h.model.layers = 2; }, "holds another model (1 layers of width 1"},
      {[](CheckpointHeader& h) { h.real_bytes = 8; }, "holds numbers of 4 bytes: use --precision f32"},
      {[](CheckpointHeader& h) { h.text.hash = 1; }, "another text"},
      {[](CheckpointHeader& h) { h.seed = 1; }, "use --seed 9"},
      {[](CheckpointHeader& h) { h.schedule.total = 11; }, "use --schedule-iterations 10"},
      {[](CheckpointHeader& h) { h.adam.beta1 = 0.5; }, "other factors of Adam"},
  };
  for (const auto& [change, says] : cases) {
    CheckpointHeader wanted = miniature();
    change(wanted);
    const std::string said = objection(wanted, 8);
    EXPECT_NE(said.find(says), std::string::npos) << says << "\n" << said;
    EXPECT_EQ(said.find(path), 0u) << said;
  }
  EXPECT_NE(objection(miniature(), 7).find("--iterations N, N above 7"), std::string::npos);
  EXPECT_NE(objection(miniature(), 8, "abc").find("another text"), std::string::npos);
}

}  // namespace
}  // namespace leakhunt::trainer
