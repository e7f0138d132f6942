#include "tests/support/network_namespace.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/check.h"
#include "common/system_error.h"

namespace eradio::testing {
namespace {

Descriptor open_namespace(const std::string& path) {
  return Descriptor(
      check_syscall(::open(path.c_str(), O_RDONLY | O_CLOEXEC), "open of a network namespace"));
}

Descriptor current_network_namespace() { return open_namespace("/proc/thread-self/ns/net"); }

// netdevice(7): of the namespace that the calling thread is in.
void bring_loopback_up() {
  const Descriptor socket(
      check_syscall(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket for a device"));
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  check_syscall(::ioctl(socket.number(), SIOCSIFFLAGS, &request), "ioctl SIOCSIFFLAGS");
}

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
  ERADIO_CHECK(::setns(before.number(), CLONE_NEWNET) == 0);
  const InNetworkNamespace inside(made.number());
  bring_loopback_up();
  return made;
}

}  // namespace eradio::testing
