#include "tests/link/tun_device.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <stdexcept>

#include "common/system_error.h"

namespace eradio::testing {
namespace {

ifreq request_for(const std::string& device) {
  ifreq request{};
  device.copy(request.ifr_name, IFNAMSIZ - 1);
  return request;
}

// Requests of netdevice(7) go through any socket of the namespace.
Descriptor any_socket() {
  return Descriptor(check_syscall(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
}

void bring_up(const std::string& device) {
  const Descriptor socket = any_socket();
  ifreq request = request_for(device);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  check_syscall(::ioctl(socket.number(), SIOCSIFFLAGS, &request), "ioctl SIOCSIFFLAGS");
}

void set_address(const std::string& device, unsigned long kind, const std::string& address,
                 const char* context) {
  const Descriptor socket = any_socket();
  ifreq request = request_for(device);
  sockaddr_in ipv4{};
  ipv4.sin_family = AF_INET;
  if (::inet_pton(AF_INET, address.c_str(), &ipv4.sin_addr) != 1) {
    throw std::invalid_argument("no IPv4 address: " + address);
  }
  std::memcpy(&request.ifr_addr, &ipv4, sizeof ipv4);
  check_syscall(::ioctl(socket.number(), kind, &request), context);
}

}  // namespace

Descriptor make_tun_device(const std::string& name, const std::string& address) {
  Descriptor device(
      check_syscall(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), "open /dev/net/tun"));
  ifreq request = request_for(name);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  check_syscall(::ioctl(device.number(), TUNSETIFF, &request), "ioctl TUNSETIFF");
  set_address(name, SIOCSIFADDR, address, "ioctl SIOCSIFADDR");
  set_address(name, SIOCSIFNETMASK, "255.255.255.252", "ioctl SIOCSIFNETMASK");
  bring_up(name);
  return device;
}

}  // namespace eradio::testing
