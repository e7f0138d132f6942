#include "common/http/byte_range.h"

#include <gtest/gtest.h>

namespace eradio {
namespace {

TEST(ByteRange, ASimpleRangeIsHonouredAndClampedToTheBody) {
  EXPECT_EQ(resolve_byte_range("bytes=0-9", 100), ByteRange(ByteSlice{0, 10}));
  EXPECT_EQ(resolve_byte_range("bytes=99-99", 100), ByteRange(ByteSlice{99, 1}));
  EXPECT_EQ(resolve_byte_range("bytes=90-", 100), ByteRange(ByteSlice{90, 10}));
  EXPECT_EQ(resolve_byte_range("bytes=90-999999999999999", 100), ByteRange(ByteSlice{90, 10}));
  EXPECT_EQ(resolve_byte_range("bytes=-5", 100), ByteRange(ByteSlice{95, 5}));
  EXPECT_EQ(resolve_byte_range("bytes=-500", 100), ByteRange(ByteSlice{0, 100}));
  EXPECT_EQ(resolve_byte_range("Bytes=1-1", 2), ByteRange(ByteSlice{1, 1}));
}

TEST(ByteRange, WhatLiesOutsideTheBodyCannotBeSatisfied) {
  EXPECT_EQ(resolve_byte_range("bytes=100-", 100), ByteRange(Unsatisfiable{}));
  EXPECT_EQ(resolve_byte_range("bytes=100-200", 100), ByteRange(Unsatisfiable{}));
  EXPECT_EQ(resolve_byte_range("bytes=-0", 100), ByteRange(Unsatisfiable{}));
  EXPECT_EQ(resolve_byte_range("bytes=0-", 0), ByteRange(Unsatisfiable{}));
}

TEST(ByteRange, EverythingElseIsIgnored) {
  for (const char* const field :
       {"", "bytes", "bytes=", "bytes=-", "bytes=9-1", "bytes=0-1,2-3", "bytes=0-1,", "lines=0-1",
        "bytes=a-b", "bytes=1-2x", "bytes= 1-2", "bytes=+1-2", "bytes=1--2", "0-1", "-=1",
        "bytes=1234567890123456-", "bytes=-1234567890123456", "bytes=0-18446744073709551616"}) {
    EXPECT_EQ(resolve_byte_range(field, 100), ByteRange(WholeBody{})) << field;
  }
}

TEST(ByteRange, ContentRangeNamesTheSliceOrOnlyTheSize) {
  EXPECT_EQ(content_range(ByteSlice{10, 5}, 100), "bytes 10-14/100");
  EXPECT_EQ(content_range(std::nullopt, 100), "bytes */100");
}

}  // namespace
}  // namespace eradio
