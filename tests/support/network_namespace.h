// Network namespaces, for tests that put a network between a server and its listeners. Linux only;
// making and entering them needs CAP_SYS_ADMIN (root). All throw std::system_error.
#pragma once

#include <string>

#include "common/descriptor.h"

namespace eradio::testing {

// The calling thread is in the namespace for as long as this object lives; sockets and devices made
// meanwhile stay there.
class InNetworkNamespace {
 public:
  explicit InNetworkNamespace(int name_space);
  explicit InNetworkNamespace(const std::string& path);
  ~InNetworkNamespace();
  InNetworkNamespace(const InNetworkNamespace&) = delete;
  InNetworkNamespace& operator=(const InNetworkNamespace&) = delete;

 private:
  Descriptor before_;
};

// A new one with nothing in it but its loopback device, up; the calling thread stays where it is.
Descriptor make_network_namespace();

}  // namespace eradio::testing
