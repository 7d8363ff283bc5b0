// Memory for values of many sizes that come and go in the same order again and again.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>

namespace cdfss {

// One range of addresses, out of which blocks are taken where the first hole is large enough; holes
// beside each other are one. What a general allocator keeps between values that differ in size is
// far more: of a frame's activations it needed twice what is alive at once, this at most a fifth
// more. Any thread.
class Arena {
 public:
  static constexpr std::size_t kAlignment = 64;

  // Takes addresses, but no memory before it is used. Blocks are from at most `most_bytes`, which
  // are rounded up to pages; none if the system refuses the addresses.
  explicit Arena(std::size_t most_bytes);
  ~Arena();  // all blocks must have been released
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // A block of `bytes`, kAlignment apart from all others; null if there is no room.
  void* allocate(std::size_t bytes);
  void release(void* block);
  bool contains(const void* address) const;

  // Gives the memory of all holes back to the system; blocks get new memory there when they are
  // written to.
  void give_back();

  // Bytes up to the end of the furthest block that there has been, rounded up to pages.
  std::size_t furthest() const;

 private:
  struct Block {
    std::size_t bytes;
    bool used;
  };
  bool make_writable(std::size_t end);

  std::size_t size_;
  std::byte* start_;  // null if refused
  mutable std::mutex lock_;
  std::map<std::size_t, Block> blocks_;  // by offset; they cover the range, no two holes in a row
  std::size_t furthest_ = 0;             // what may be written to, in bytes from the start
};

}  // namespace cdfss
