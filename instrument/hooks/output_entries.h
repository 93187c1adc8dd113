// output_entries: tells the tracker of output before it is written (--iteration-regex), so that it can wait
// until the lines are counted. A jump at the entry of libc's write and writev: stdio calls them inside libc,
// where no hook comes in between.
#pragma once

namespace leakhunt::hooks {

// Once, right after the tracker's start, before anything of the program runs. Texts for EntryPatch; null or
// empty where a function cannot be watched.
void watch_output(const char* write_text, const char* writev_text);

}  // namespace leakhunt::hooks
