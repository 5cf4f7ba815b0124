#include "abi/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "gtest/gtest.h"

namespace pollux {
namespace {

// Where the value allows it, a result is returned in registers.
static_assert(std::is_trivially_copyable_v<Result<int64_t>>);
static_assert(std::is_trivially_destructible_v<Result<int64_t>>);
static_assert(sizeof(Result<int64_t>) == 16);
static_assert(!std::is_trivially_copyable_v<Result<std::string>>);
static_assert(!std::is_copy_constructible_v<Result<std::unique_ptr<int>>>);

TEST(Result, HoldsAValueOrAnError) {
  Result<int64_t> value = int64_t{7};
  EXPECT_TRUE(value.ok());
  EXPECT_EQ(*value, 7);
  value = Errno::kBadF;
  EXPECT_FALSE(value.ok());
  EXPECT_EQ(value.error(), Errno::kBadF);
  EXPECT_TRUE(Result<void>().ok());
  EXPECT_EQ(Result<void>(Errno::kAgain).error(), Errno::kAgain);
}

// Counts how many of it live.
struct Counted {
  explicit Counted(int* living) : living(living) { ++*living; }
  Counted(const Counted& other) : living(other.living) { ++*living; }
  Counted& operator=(const Counted&) = default;
  ~Counted() { --*living; }
  int* living;
};

TEST(Result, ValuesLiveAsLongAsTheyAreHeld) {
  int living = 0;
  {
    Result<Counted> a = Counted(&living);
    EXPECT_EQ(living, 1);
    Result<Counted> b = a;
    EXPECT_EQ(living, 2);
    b = Errno::kNoMem;
    EXPECT_EQ(living, 1);
    Result<Counted> c = b;
    EXPECT_EQ(c.error(), Errno::kNoMem);
    c = std::move(a);
    EXPECT_EQ(living, 2);
    c = Counted(&living);
    EXPECT_EQ(living, 2);
    b = c;
    EXPECT_EQ(living, 3);
  }
  EXPECT_EQ(living, 0);
}

TEST(Result, MovesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> a = std::make_unique<int>(5);
  Result<std::unique_ptr<int>> b = std::move(a);
  const std::unique_ptr<int> taken = *std::move(b);
  EXPECT_EQ(*taken, 5);
}

Result<std::string> Named(bool known) {
  if (!known) return Errno::kNoEnt;
  return std::string("a name that is too long to be kept in place");
}

Result<size_t> Length(bool known) {
  POLLUX_ASSIGN_OR_RETURN(const std::string name, Named(known));
  return name.size();
}

TEST(Result, ErrorsArePassedOn) {
  EXPECT_EQ(*Length(true), 43u);
  EXPECT_EQ(Length(false).error(), Errno::kNoEnt);
}

TEST(ResultDeathTest, TheOtherHalfIsNotThere) {
  EXPECT_DEATH((void)*Result<int>(Errno::kBadF), "value\\(\\) of a Result that holds EBADF");
  EXPECT_DEATH((void)Result<int>(1).error(), "error\\(\\) of a Result that holds a value");
  EXPECT_DEATH((void)Result<void>().error(), "error\\(\\) of a Result that holds a value");
}

}  // namespace
}  // namespace pollux
