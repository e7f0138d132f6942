#include "tests/support/network_namespace.h"

#include <fcntl.h>
#include <sched.h>

#include "common/check.h"
#include "common/system_error.h"

namespace eradio::testing {
namespace {

Descriptor open_namespace(const std::string& path) {
  return Descriptor(
      check_syscall(::open(path.c_str(), O_RDONLY | O_CLOEXEC), "open of a network namespace"));
}

Descriptor current_network_namespace() { return open_namespace("/proc/thread-self/ns/net"); }

}  // namespace

InNetworkNamespace::InNetworkNamespace(int name_space) : before_(current_network_namespace()) {
  check_syscall(::setns(name_space, CLONE_NEWNET), "setns");
}

InNetworkNamespace::InNetworkNamespace(const std::string& path)
    : InNetworkNamespace(open_namespace(path).number()) {}

InNetworkNamespace::~InNetworkNamespace() {
  ERADIO_CHECK(::setns(before_.number(), CLONE_NEWNET) == 0);
}

Descriptor make_network_namespace() {
  const Descriptor before = current_network_namespace();
  check_syscall(::unshare(CLONE_NEWNET), "unshare(CLONE_NEWNET)");
  Descriptor made = current_network_namespace();
  check_syscall(::setns(before.number(), CLONE_NEWNET), "setns");
  return made;
}

}  // namespace eradio::testing
