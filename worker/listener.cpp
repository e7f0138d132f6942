#include "worker/listener.h"

#include <cstdlib>

#include <boost/pool/singleton_pool.hpp>

#include "common/check.h"
#include "worker/fan_out.h"

namespace eradio {

void Listener::on_events(std::uint32_t events) { fan_out.on_socket_events(*this, events); }

#ifdef ERADIO_SANITIZED
// They have to see each listener come and go.
void* Listener::operator new(std::size_t bytes) {
  return ::operator new(bytes, std::align_val_t(alignof(Listener)));
}

void Listener::operator delete(void* memory) noexcept {
  ::operator delete(memory, std::align_val_t(alignof(Listener)));
}
#else
namespace {

// Blocks that begin with a cache line.
struct AlignedBlocks {
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  static char* malloc(size_type bytes) {
    constexpr size_type line = alignof(Listener);
    return static_cast<char*>(std::aligned_alloc(line, (bytes + line - 1) / line * line));
  }
  static void free(char* block) { std::free(block); }
};

constexpr unsigned listeners_in_block = 63;  // with the pool's own words less than 8 KiB
struct OfListeners;
using Pool =
    boost::singleton_pool<OfListeners, sizeof(Listener), AlignedBlocks,
                          boost::details::pool::null_mutex, listeners_in_block, listeners_in_block>;

}  // namespace

void* Listener::operator new(std::size_t bytes) {
  ERADIO_CHECK(bytes == sizeof(Listener));
  void* const memory = Pool::malloc();
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}

void Listener::operator delete(void* memory) noexcept { Pool::free(memory); }
#endif

}  // namespace eradio
