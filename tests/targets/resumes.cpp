// Claim: run in chunks it does every iteration once, and nothing grows.
//
//   resumes UNTIL STATE [--resume]
//
// Does the iterations up to UNTIL, from 0 or from where STATE says, marks each, and writes down how far it
// came.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vector>

#include "instrument/leakhunt.hpp"

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const size_t until = strtoull(argv[1], nullptr, 10);
  size_t from = 0;
  if (argc > 3 && strcmp(argv[3], "--resume") == 0) {
    FILE* state = fopen(argv[2], "r");
    if (state == nullptr || fscanf(state, "%zu", &from) != 1) return 3;
    fclose(state);
  }
  for (size_t i = from; i < until; ++i) {
    const std::vector<size_t> work(1000, i);
    if (work.back() != i) return 4;
    leakhunt::iteration(i);
  }
  FILE* state = fopen(argv[2], "w");
  if (state == nullptr) return 5;
  fprintf(state, "%zu\n", until);
  fclose(state);
  printf("%zu to %zu\n", from, until);
  return 0;
}
