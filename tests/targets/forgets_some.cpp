// Claim: every message is freed by its reader, but for one in a hundred, on which the reader gives up. In an
// iteration 1,000 messages are made by the writer, 990 freed by the reader, and 10 stay.
//
//   forgets_some [ITERATIONS]
#include <stdlib.h>

#include "instrument/leakhunt.hpp"

namespace {

struct Message {
  char payload[64];
};

volatile char last_read = 0;

__attribute__((noinline)) Message* write_message(size_t number) {
  Message* message = static_cast<Message*>(malloc(sizeof(Message)));
  message->payload[0] = static_cast<char>(number);
  return message;
}

__attribute__((noinline)) void read_message(Message* message) {
  last_read = message->payload[0];
  free(message);
  last_read = 0;  // behind the call, so that it is one, and no jump
}

}  // namespace

int main(int argc, char** argv) {
  const size_t iterations = argc > 1 ? strtoull(argv[1], nullptr, 10) : 200;
  for (size_t i = 0; i < iterations; ++i) {
    for (size_t number = 0; number < 1000; ++number) {
      Message* message = write_message(number);
      if (number % 100 != 99) read_message(message);
    }
    leakhunt::iteration(i);
  }
}
