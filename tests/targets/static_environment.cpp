// Claim: a program that cannot load our library finds nothing of us in its environment. Linked statically.
#include <stdio.h>
#include <unistd.h>

int main() {
  for (char** variable = environ; *variable != nullptr; ++variable) puts(*variable);
  return 0;
}
