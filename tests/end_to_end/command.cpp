#include "tests/end_to_end/command.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "lib/recording/reader.h"

namespace leakhunt::end_to_end {

TemporaryFolder::TemporaryFolder() {
  std::string pattern = std::filesystem::temp_directory_path() / "leakhunt-test-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "cannot make a temporary folder";
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Finished run_command(const std::string& command_line) {
  const TemporaryFolder folder;
  const std::string line = "{ " + command_line + "\n} >" + folder.file("out") + " 2>" + folder.file("err");
  const int status = system(line.c_str());
  Finished finished;
  finished.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  finished.out = read_file(folder.file("out"));
  finished.err = read_file(folder.file("err"));
  return finished;
}

Recorded recorded(const std::string& command_line, const std::string& prefix, const std::string& libraries) {
  const TemporaryFolder folder;
  const std::string recording = folder.file("recording.lhr");
  Recorded result;
  // env replaces itself by the program, in the same process: the recording goes on with it.
  result.finished =
      run_command("( " + prefix + " exec env LEAKHUNT_INTERVAL_MS=0 LEAKHUNT_RECORDING=" + recording +
                  " LD_PRELOAD=" LEAKHUNT_LIBRARY_FILE + (libraries.empty() ? "" : ":" + libraries) + " " +
                  command_line + " )");
  auto run = recording::read_recording(recording);
  if (run) {
    result.run = std::move(*run);
  } else {
    ADD_FAILURE() << command_line << ": " << run.error().message << "\n" << result.finished.err;
  }
  return result;
}

std::string target(const std::string& name) {
  return LEAKHUNT_TARGETS "/" + name;
}

}  // namespace leakhunt::end_to_end
