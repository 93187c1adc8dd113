/* A program that marks its iterations and tags what it keeps. It needs leakhunt.h and nothing else: without
 * leakhunt the calls are of functions that are not there, and are left out.
 *
 *   cc -I LEAKHUNT/ iterations.c -o iterations
 *   ./iterations 60                        as always
 *   leakhunt run -- ./iterations 60        256 bytes an iteration, in tag "history"
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instrument/leakhunt.h"

struct entry {
  struct entry* before;
  char text[248];
};

static struct entry* history;

static void remember(long number) {
  struct entry* entry = malloc(sizeof *entry);
  if (entry == NULL) exit(1);
  snprintf(entry->text, sizeof entry->text, "request %ld", number);
  entry->before = history;
  history = entry;
}

int main(int argc, char** argv) {
  const long count = argc > 1 ? atol(argv[1]) : 60;
  leakhunt_tag_id tag = leakhunt_tag ? leakhunt_tag("history") : 0;
  for (long i = 0; i < count; ++i) {
    leakhunt_tag_id before = leakhunt_tag_switch ? leakhunt_tag_switch(tag) : 0;
    remember(i);
    if (leakhunt_tag_switch) leakhunt_tag_switch(before);
    if (leakhunt_iteration) leakhunt_iteration((uint64_t)i);
  }
  printf("%s\n", history != NULL ? history->text : "nothing");
  return 0;
}
