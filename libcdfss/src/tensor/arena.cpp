#include "tensor/arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <iterator>

namespace cdfss {
namespace {

std::size_t page_size() {
  static const auto kSize = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return kSize;
}

std::size_t rounded_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

}  // namespace

Arena::Arena(std::size_t most_bytes) : size_(rounded_up(most_bytes, page_size())), start_(nullptr) {
  // Not readable, so that it does not count as memory that was promised.
  void* const start = ::mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) return;
  start_ = static_cast<std::byte*>(start);
  blocks_[0] = {size_, false};
}

Arena::~Arena() {
  if (start_ != nullptr) ::munmap(start_, size_);
}

void* Arena::allocate(std::size_t bytes) {
  if (bytes > size_) return nullptr;
  const std::size_t needed = std::max(rounded_up(bytes, kAlignment), kAlignment);
  const std::lock_guard held(lock_);
  const auto hole = std::find_if(blocks_.begin(), blocks_.end(), [&](const auto& entry) {
    return !entry.second.used && entry.second.bytes >= needed;
  });
  if (hole == blocks_.end() || !make_writable(hole->first + needed)) return nullptr;
  const std::size_t left = hole->second.bytes - needed;
  if (left > 0) blocks_.emplace_hint(std::next(hole), hole->first + needed, Block{left, false});
  hole->second = {needed, true};
  return start_ + hole->first;
}

void Arena::release(void* block) {
  const std::lock_guard held(lock_);
  auto hole = blocks_.find(static_cast<std::size_t>(static_cast<std::byte*>(block) - start_));
  hole->second.used = false;
  if (const auto next = std::next(hole); next != blocks_.end() && !next->second.used) {
    hole->second.bytes += next->second.bytes;
    blocks_.erase(next);
  }
  if (hole != blocks_.begin() && !std::prev(hole)->second.used) {
    std::prev(hole)->second.bytes += hole->second.bytes;
    blocks_.erase(hole);
  }
}

bool Arena::contains(const void* address) const {
  const auto* const byte = static_cast<const std::byte*>(address);
  return start_ != nullptr && std::greater_equal<>()(byte, start_) &&
         std::less<>()(byte, start_ + size_);
}

void Arena::give_back() {
  const std::lock_guard held(lock_);
  for (const auto& [offset, block] : blocks_) {
    const std::size_t first = rounded_up(offset, page_size());
    const std::size_t end = std::min(offset + block.bytes, furthest_) / page_size() * page_size();
    if (!block.used && first < end) ::madvise(start_ + first, end - first, MADV_DONTNEED);
  }
}

std::size_t Arena::furthest() const {
  const std::lock_guard held(lock_);
  return furthest_;
}

bool Arena::make_writable(std::size_t end) {
  if (end <= furthest_) return true;
  const std::size_t next = rounded_up(end, page_size());
  if (::mprotect(start_ + furthest_, next - furthest_, PROT_READ | PROT_WRITE) != 0) return false;
  furthest_ = next;
  return true;
}

}  // namespace cdfss
