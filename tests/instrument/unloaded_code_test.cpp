// Stacks through a place where a module was unloaded, told apart by what is there now.
#include "instrument/tracker/unloaded_code.h"

#include <gtest/gtest.h>

#include <memory>

namespace leakhunt::tracker {
namespace {

int function_of_this_program() {
  return 1;
}

class Unloaded : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(find_loaded_object(address() - 1, &here_));
    identity_ = identity_of(here_);
  }
  static uintptr_t address() { return reinterpret_cast<uintptr_t>(&function_of_this_program) + 1; }

  LoadedObject here_{};
  uint64_t identity_ = 0;
  std::unique_ptr<UnloadedCode> code_ = std::make_unique<UnloadedCode>();
};

TEST_F(Unloaded, NothingWasUnloadedAtFirst) {
  EXPECT_FALSE(code_->any());
  code_->add(0x1000, 0x2000, 5);
  EXPECT_TRUE(code_->any());
}

TEST_F(Unloaded, AStackElsewhereKeepsItsKey) {
  code_->add(0x1000, 0x2000, 5);
  const uint64_t frames[] = {address(), 0x2001, 0x1000};  // return addresses: one behind the call
  EXPECT_EQ(code_->key_of(77, frames, 3), 77u);
}

TEST_F(Unloaded, AnotherModuleInThePlaceHasAnotherKeyAndTheOldOneItsOwn) {
  const uint64_t frames[] = {0x5000, address()};
  code_->add(here_.begin, here_.end, identity_);
  EXPECT_EQ(code_->key_of(77, frames, 2), 77u) << "it came back to where it was";

  code_ = std::make_unique<UnloadedCode>();
  code_->add(here_.begin, here_.end, identity_ + 1);
  const uint64_t key = code_->key_of(77, frames, 2);
  EXPECT_NE(key, 77u);
  EXPECT_EQ(code_->key_of(77, frames, 2), key);
  code_->add(here_.begin, here_.end, identity_);  // and is unloaded, too
  EXPECT_EQ(code_->key_of(77, frames, 2), key);
}

TEST_F(Unloaded, APlaceWithNothingInItIsNoneOfTheModulesThatWereThere) {
  code_->add(0x1000, 0x2000, 5);
  const uint64_t frames[] = {0x1801};
  EXPECT_NE(code_->key_of(77, frames, 1), 77u);
}

TEST_F(Unloaded, ManyPlacesAreRemembered) {
  for (uintptr_t i = 1; i <= 1000; ++i) code_->add(i * 0x10000, i * 0x10000 + 0x1000, i);
  for (uintptr_t i = 1; i <= 1000; ++i) {
    const uint64_t frames[] = {i * 0x10000 + 0x800};
    EXPECT_NE(code_->key_of(77, frames, 1), 77u) << i;
  }
}

}  // namespace
}  // namespace leakhunt::tracker
