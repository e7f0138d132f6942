// CHECK for our own bugs: a broken invariant ends the process, in release builds too, and says
// where. Never for what a peer, a file or the kernel can cause: those are errors or values.
#pragma once

#include <cstdio>
#include <cstdlib>

#define ERADIO_CHECK(condition)                                                              \
  do {                                                                                       \
    if (!(condition)) [[unlikely]] {                                                         \
      std::fprintf(stderr, "%s:%d: invariant broken: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                          \
    }                                                                                        \
  } while (false)
