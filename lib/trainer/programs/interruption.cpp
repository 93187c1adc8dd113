#include "lib/trainer/programs/interruption.h"

#include <csignal>
#include <cstdio>
#include <initializer_list>

namespace leakhunt::trainer {
namespace {

volatile std::sig_atomic_t noted = 0;

void note(int signal) {
  noted = signal;
}

}  // namespace

const volatile std::sig_atomic_t* note_interruptions() {
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction action = {};
    action.sa_handler = note;
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);  // the second one finds the default
    sigaction(signal, &action, nullptr);
  }
  return &noted;
}

void end_by(int signal) {
  std::fflush(nullptr);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace leakhunt::trainer
