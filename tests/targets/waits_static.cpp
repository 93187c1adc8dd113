// Claim: a program that is linked statically is refused before anything is done to it. (Built so; waits for a
// line.)
#include <stdio.h>
#include <unistd.h>

int main() {
  puts("ready");
  fflush(stdout);
  char byte = 0;
  return read(STDIN_FILENO, &byte, 1) == 1 ? 7 : 8;
}
