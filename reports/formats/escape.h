// escape: names come from foreign programs. Printed as they are they could break lines, colour the terminal,
// or reorder what a person reads.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace leakhunt::reports {

// Valid UTF-8 on one line: control characters as \n, \t, \xNN; C1 controls and bidirectional overrides as
// \u{NNNN}; bytes that are no UTF-8 as \xNN. Everything else unchanged.
std::string escape_line(std::string_view name);

// What escape_line() returned, as text or as a quoted attribute of XML and HTML.
std::string escape_xml(std::string_view line);

// Code points of valid UTF-8: the columns it takes, for all but wide scripts.
size_t columns(std::string_view text);

// At most `width` columns, the middle replaced by one "…" when it is longer. `text` is valid UTF-8.
std::string shorten_middle(std::string_view text, size_t width);

// The same, but the beginning is replaced: of a path the end matters.
std::string shorten_front(std::string_view text, size_t width);

}  // namespace leakhunt::reports
