#include "shm/memory_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <boost/interprocess/exceptions.hpp>
#include <gtest/gtest.h>

namespace eradio {
namespace {

TEST(MemoryFile, WhatOneMappingWritesTheOtherSees) {
  const MemoryFile file = MemoryFile::create("test", 2 * page_bytes);
  const auto writable = file.map_writable(page_bytes, page_bytes);
  const MemoryFile other(file.reopen_read_only());
  const auto readable = other.map_read_only(0, other.bytes());
  writable_bytes(writable)[7] = std::byte{42};
  EXPECT_EQ(readable_bytes(readable)[page_bytes + 7], std::byte{42});
}

TEST(MemoryFile, ThroughTheReadOnlyDescriptorNobodyCanMapItWritable) {
  const MemoryFile file = MemoryFile::create("test", page_bytes);
  const MemoryFile other(file.reopen_read_only());
  EXPECT_THROW(static_cast<void>(other.map_writable(0, page_bytes)),
               boost::interprocess::interprocess_exception);
  EXPECT_EQ(::mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, other.descriptor(), 0),
            MAP_FAILED);
}

TEST(MemoryFile, NobodyCanResizeIt) {
  const MemoryFile file = MemoryFile::create("test", page_bytes);
  EXPECT_LT(::ftruncate(file.descriptor(), 0), 0);
  EXPECT_LT(::ftruncate(file.descriptor(), 2 * page_bytes), 0);
}

}  // namespace
}  // namespace eradio
