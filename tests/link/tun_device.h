// TUN devices for the link emulator. Linux only; needs CAP_NET_ADMIN (root) and /dev/net/tun.
#pragma once

#include <string>

#include "common/descriptor.h"

namespace eradio::testing {

// A TUN device of the calling thread's namespace, up, with the IPv4 address `address` and the whole
// of address/30 behind it. Whoever reads the descriptor gets the packets that are sent there, one
// for each read(2); what is written arrives. Non-blocking. Throws std::system_error.
Descriptor make_tun_device(const std::string& name, const std::string& address);

}  // namespace eradio::testing
