#include "tensor/arena.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace cdfss {
namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

std::byte* take(Arena& arena, std::size_t bytes) {
  return static_cast<std::byte*>(arena.allocate(bytes));
}

TEST(Arena, TakesTheFirstHoleThatIsLargeEnough) {
  Arena arena(kMegabyte);
  std::byte* const start = take(arena, 64);
  std::byte* const small = take(arena, 64);
  std::byte* const second = take(arena, 128);
  std::byte* const large = take(arena, 256);
  std::byte* const third = take(arena, 64);
  EXPECT_EQ(small, start + 64);
  EXPECT_EQ(second, start + 128);
  EXPECT_EQ(large, start + 256);
  EXPECT_EQ(third, start + 512);
  arena.release(small);
  arena.release(large);
  EXPECT_EQ(take(arena, 128), large) << "64 bytes are too few";
  EXPECT_EQ(take(arena, 64), small);
  EXPECT_EQ(take(arena, 128), large + 128) << "what was left of the hole";
  EXPECT_EQ(take(arena, 64), third + 64) << "no hole is left";
}

TEST(Arena, JoinsHolesInWhateverOrderTheyCome) {
  std::array<int, 3> order{0, 1, 2};
  do {
    Arena arena(kMegabyte);
    const std::array<std::byte*, 3> blocks{take(arena, 128), take(arena, 64), take(arena, 192)};
    std::byte* const behind = take(arena, 64);
    for (const int index : order) arena.release(blocks[index]);
    EXPECT_EQ(take(arena, 384), blocks[0]);
    arena.release(blocks[0]);
    arena.release(behind);
    EXPECT_EQ(take(arena, kMegabyte), blocks[0]) << "all of it is one hole again";
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(Arena, BlocksAreAlignedAndApart) {
  Arena arena(kMegabyte);
  std::byte* end = nullptr;
  for (std::size_t bytes = 0; bytes < 300; ++bytes) {
    std::byte* const block = take(arena, bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % Arena::kAlignment, 0U);
    EXPECT_TRUE(block > end || (block == end && bytes > 0)) << bytes;
    end = block + bytes;
  }
}

TEST(Arena, HasNoMoreThanItWasGiven) {
  Arena arena(kMegabyte);
  EXPECT_EQ(arena.allocate(kMegabyte + 1), nullptr);
  EXPECT_EQ(arena.allocate(std::numeric_limits<std::size_t>::max()), nullptr);
  std::byte* const first = take(arena, kMegabyte / 2);
  EXPECT_EQ(arena.allocate(kMegabyte / 2 + 1), nullptr);
  std::byte* const second = take(arena, kMegabyte / 2);
  EXPECT_EQ(second, first + kMegabyte / 2);
  EXPECT_EQ(arena.allocate(1), nullptr);
  EXPECT_TRUE(arena.contains(first));
  EXPECT_TRUE(arena.contains(first + kMegabyte - 1));
  EXPECT_FALSE(arena.contains(first + kMegabyte));
  EXPECT_FALSE(arena.contains(&arena));
}

TEST(Arena, IsEmptyIfTheSystemRefusesTheAddresses) {
  Arena arena(std::numeric_limits<std::size_t>::max() / 2);
  EXPECT_EQ(arena.allocate(64), nullptr);
  EXPECT_FALSE(arena.contains(nullptr));
  arena.give_back();
}

TEST(Arena, SaysHowFarItHasBeenUsed) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  Arena arena(kMegabyte);
  EXPECT_EQ(arena.furthest(), 0U);
  void* const first = arena.allocate(1);
  EXPECT_EQ(arena.furthest(), page);
  void* const second = arena.allocate(page);
  EXPECT_EQ(arena.furthest(), 2 * page);
  arena.release(second);
  arena.release(first);
  arena.release(arena.allocate(2 * page));
  EXPECT_EQ(arena.furthest(), 2 * page);
}

// Memory from the system is zero.
TEST(Arena, GivesBackWholePagesOfHolesOnly) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  Arena arena(kMegabyte);
  std::byte* const before = take(arena, page / 2);
  std::byte* const hole = take(arena, 3 * page);
  std::byte* const after = take(arena, page / 2);
  for (const auto& [block, bytes] :
       {std::pair{before, page / 2}, {hole, 3 * page}, {after, page / 2}}) {
    std::memset(block, 7, bytes);
  }
  arena.release(hole);
  arena.give_back();
  EXPECT_EQ(std::count(before, before + page / 2, std::byte{7}), page / 2);
  EXPECT_EQ(std::count(after, after + page / 2, std::byte{7}), page / 2);
  ASSERT_EQ(take(arena, 3 * page), hole);
  EXPECT_EQ(std::count(hole, hole + 3 * page, std::byte{0}), 2 * page);
  std::memset(hole, 7, 3 * page);
  EXPECT_EQ(std::count(hole, hole + 3 * page, std::byte{7}), 3 * page);
}

// Each writes its own number into its blocks and finds nothing else there; blocks are released by
// whoever comes by.
TEST(Arena, ServesThreads) {
  Arena arena(kMegabyte);
  std::mutex lock;
  std::vector<std::vector<std::byte*>> others(4);
  std::vector<std::thread> threads;
  for (int number = 0; number < 4; ++number) {
    threads.emplace_back([&, number] {
      std::mt19937 random(number);
      const auto own = static_cast<std::byte>(number);
      for (int i = 0; i < 2000; ++i) {
        const std::size_t bytes = 1 + random() % 4096;
        std::byte* const block = take(arena, bytes);
        ASSERT_NE(block, nullptr);
        std::fill(block, block + bytes, own);
        std::this_thread::yield();
        ASSERT_EQ(static_cast<std::size_t>(std::count(block, block + bytes, own)), bytes);
        const std::lock_guard held(lock);
        others[number].push_back(block);
        std::vector<std::byte*>& some = others[random() % others.size()];
        for (std::byte* each : some) arena.release(each);
        some.clear();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& some : others) {
    for (std::byte* block : some) arena.release(block);
  }
  EXPECT_NE(arena.allocate(kMegabyte), nullptr) << "all of it is one hole again";
}

}  // namespace
}  // namespace cdfss
