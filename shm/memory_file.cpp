#include "shm/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/interprocess/detail/os_file_functions.hpp>

#include "common/system_error.h"

namespace eradio {
namespace {

// What mapped_region wants of something that can be mapped (its MemoryMappable concept).
struct Mappable {
  int descriptor;
  [[nodiscard]] boost::interprocess::mapping_handle_t get_mapping_handle() const {
    return boost::interprocess::ipcdetail::mapping_handle_from_file_handle(descriptor);
  }
};

}  // namespace

MemoryFile MemoryFile::create(const std::string& name, std::size_t bytes) {
  Descriptor descriptor(
      check_syscall(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create"));
  check_syscall(::ftruncate(descriptor.number(), static_cast<off_t>(bytes)), "ftruncate");
  // Without the seals a process could shrink the memory under the others: SIGBUS for them all.
  check_syscall(
      ::fcntl(descriptor.number(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
      "fcntl F_ADD_SEALS");
  return MemoryFile(std::move(descriptor));
}

MemoryFile::MemoryFile(Descriptor descriptor) : descriptor_(std::move(descriptor)) {
  struct stat status {};
  check_syscall(read_status(descriptor_.number(), status) ? 0 : -1, "fstat of shared memory");
  bytes_ = static_cast<std::size_t>(status.st_size);
}

Descriptor MemoryFile::reopen_read_only() const {
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor_.number());
  return Descriptor(
      check_syscall(::open(path.c_str(), O_RDONLY | O_CLOEXEC), "open shared memory read-only"));
}

boost::interprocess::mapped_region MemoryFile::map_writable(std::size_t offset,
                                                            std::size_t bytes) const {
  return {Mappable{descriptor_.number()}, boost::interprocess::read_write,
          static_cast<boost::interprocess::offset_t>(offset), bytes};
}

boost::interprocess::mapped_region MemoryFile::map_read_only(std::size_t offset,
                                                             std::size_t bytes) const {
  return {Mappable{descriptor_.number()}, boost::interprocess::read_only,
          static_cast<boost::interprocess::offset_t>(offset), bytes};
}

}  // namespace eradio
