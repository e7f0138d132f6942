// Links between a server's namespace and those of its listeners, for a test: starts eradio-link,
// tells it what the links are like, and ends it.
//
//   ERADIO_NEEDS_LINKS();                                  // first in the test
//   EmulatedLinks links(1);
//   links.set(0, {.bits_per_second = 96'000, .delay_ns = 50 * ns_per_ms});
//   Server server({.network_namespace = links.near()});
//   crowd.add({.endpoint = links.server(0, server.port()), .socket = links.far(0)});
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/descriptor.h"
#include "tests/link/link_protocol.h"
#include "tests/support/endpoint.h"

namespace eradio::testing {

class EmulatedLinks {
 public:
  // `count` links that take no time and lose nothing. Throws std::runtime_error when there are
  // none to be had here.
  explicit EmulatedLinks(int count, std::uint64_t seed = 1);
  ~EmulatedLinks();
  EmulatedLinks(const EmulatedLinks&) = delete;
  EmulatedLinks& operator=(const EmulatedLinks&) = delete;

  // Why there can be no links on this machine; empty when there can be.
  static std::string why_unavailable();

  // From now on; the other direction stays as it is.
  void set(int link, LinkEnd to, const LinkSettings& settings);
  // Down as told; up without limit or loss, with the same delay.
  void set(int link, const LinkSettings& down);
  [[nodiscard]] LinkReport report(int link, LinkEnd to);

  // Where the server is to be: for ServerOptions.
  [[nodiscard]] const std::string& near() const { return namespaces_.front(); }
  // Where the listener is to be: for ListenerOptions.
  [[nodiscard]] SocketOptions far(int link) const;
  // Under which address the listener finds the server.
  [[nodiscard]] static Endpoint server(int link, std::uint16_t port);

 private:
  std::string ask(const std::string& line);
  std::string read_line();
  void end() noexcept;

  Descriptor input_;   // of the program
  Descriptor output_;  // of the program
  std::string read_;
  pid_t program_ = 0;
  std::vector<std::string> namespaces_;  // near, then far ones
};

}  // namespace eradio::testing

// Skips the test where no links can be emulated, and says why: ctest then counts it as not run.
#define ERADIO_NEEDS_LINKS()                                                              \
  if (const auto why = ::eradio::testing::EmulatedLinks::why_unavailable(); !why.empty()) \
  GTEST_SKIP() << why
