// interruption: SIGINT and SIGTERM as a wish that the training loop fulfils when an iteration is done.
#pragma once

#include <csignal>

namespace leakhunt::trainer {

// From now on the first SIGINT or SIGTERM is only noted; the second one ends the program at once. Returns
// where the signal's number appears; 0: none has come. It does so in a shell's background jobs too, which are
// started with SIGINT ignored: who sends it to this very process means it.
const volatile std::sig_atomic_t* note_interruptions();

// Ends the program as `signal` would have, so that whoever waits for it sees what happened.
void end_by(int signal);

}  // namespace leakhunt::trainer
