// What the symbolizer's tests look up: functions inlined into each other, out of line, in namespaces and
// types. The tests find lines by the words behind "// line: ", so code may be added anywhere.
#include <cstddef>
#include <cstdlib>
#include <list>
#include <string>
#include <vector>

namespace sample {

volatile int sink;

namespace {
[[gnu::always_inline]] inline void innermost(int value) {
  sink = value;  // line: store in innermost
}

[[gnu::always_inline]] inline void middle(int value) {
  innermost(value + 1);  // line: call of innermost
}

[[gnu::noipa]] int hidden(int value) {
  sink = value * 3;  // line: store in hidden
  return sink;
}
}  // namespace

struct Box {
  [[gnu::noipa]] void put(int value) {
    middle(value);  // line: call of middle
  }
  template <typename T>
  [[gnu::noipa]] T scaled(T by) {
    sink = static_cast<int>(by);
    return by * sink;
  }
};

template double Box::scaled<double>(double);

int sum(const std::vector<int>& values) {
  int total = 0;
  for (const int value : values) total += hidden(value);
  return total;
}

std::vector<int> grow(std::size_t count) {
  std::vector<int> values;
  const auto fill = [&values](std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) values.push_back(static_cast<int>(i));
  };
  fill(count);
  Box().put(sum(values));
  return values;
}

// --- data

struct Node {
  struct Position {
    int line;
    int column;
  };
  Node* next;
  int values[4];
  Position position;
  std::string name;
};
struct Table {
  Node* rows[8];
  Node* last;
};
Table table;
Node* only;

[[gnu::noipa]] Node* make_node() {
  return static_cast<Node*>(std::malloc(sizeof(Node)));
}

[[gnu::noipa]] void keep_node() {
  Node* node = static_cast<Node*>(std::malloc(sizeof(Node)));  // line: a variable is declared
  node->next = nullptr;
  only = node;
}

[[gnu::noipa]] void* make_bytes() {
  return std::malloc(8);
}

[[gnu::noipa]] void fill_list(std::list<Node>& list) {
  list.emplace_back();
}

}  // namespace sample

extern "C" void sample_plain(int value) {
  sample::sink = value;  // line: store in sample_plain
}
