#include "master/listening_sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "common/log.h"
#include "common/system_error.h"
#include "master/tcp_address.h"

namespace eradio {
namespace {

constexpr int port_attempts_max = 20;

using SocketsBySlot = std::vector<std::vector<Descriptor>>;

// All sockets for all addresses and slots; sets `port` if it was 0.
SocketsBySlot open_tcp(std::vector<TcpAddress> addresses, std::uint16_t& port,
                       std::size_t workers) {
  SocketsBySlot by_slot(workers);
  for (TcpAddress& address : addresses) {
    address.set_port(port);
    // Another server of the same user that has the port with SO_REUSEPORT too would get half of our
    // listeners. One try without the option finds it.
    Descriptor alone = bind_socket(address, false);
    if (port == 0) {
      port = address_of(alone.number()).port();
      address.set_port(port);
    }
    start_listening(alone.number(), address, accept_queue_length);
    alone.reset();
    for (auto& sockets : by_slot) {
      sockets.push_back(bind_socket(address, true));
      start_listening(sockets.back().number(), address, accept_queue_length);
    }
  }
  return by_slot;
}

bool has_ipv6() {
  const TcpAddress loopback = *TcpAddress::parse("::1");
  const Descriptor socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return socket && ::bind(socket.number(), loopback.get(), loopback.length) == 0;
}

std::vector<TcpAddress> addresses_for(const ListeningAddresses& wanted) {
  std::vector<TcpAddress> addresses;
  for (const std::string& text : wanted.addresses) {
    const auto address = TcpAddress::parse(text);
    if (!address) {
      throw std::runtime_error("listen_ip: " + text + " is no IPv4 or IPv6 address");
    }
    addresses.push_back(*address);
  }
  if (wanted.addresses.empty()) {
    addresses.push_back(*TcpAddress::parse("0.0.0.0"));
    if (has_ipv6()) {
      addresses.push_back(*TcpAddress::parse("::"));
    } else {
      log::info("this machine has no IPv6: listening on IPv4 alone");
    }
  }
  return addresses;
}

}  // namespace

bool ListeningSockets::is_address(const std::string& text) {
  return TcpAddress::parse(text).has_value();
}

ListeningSockets::ListeningSockets(const ListeningAddresses& wanted, std::size_t workers) {
  const std::vector<TcpAddress> addresses = addresses_for(wanted);
  std::uint16_t port = wanted.port;
  for (int attempt = 1;; ++attempt) {
    try {
      tcp_ = open_tcp(addresses, port, workers);
      break;
    } catch (const std::system_error& error) {
      // A port that was free on the first address can be taken on the second: take another one.
      if (wanted.port != 0 || error.code().value() != EADDRINUSE || attempt == port_attempts_max) {
        throw;
      }
      port = 0;
    }
  }
  for (TcpAddress address : addresses) {
    address.set_port(port);
    names_.push_back(address.name());
  }
  const bool any = addresses.front().text == "0.0.0.0" || addresses.front().text == "::";
  local_url_ = "http://" + (any ? "localhost:" + std::to_string(port) : names_.front());
  set_congestion_control(wanted.congestion_control);
  if (wanted.unix_path) {
    // As public as the TCP port: a proxy of another user must be able to connect.
    unix_.emplace(*wanted.unix_path, 0666);
    names_.push_back(unix_->name());
  }
}

ListeningSockets::ListeningSockets(const SavedSockets& saved)
    : names_(saved.names), local_url_(saved.local_url) {
  for (const auto& slot : saved.tcp_descriptors) {
    auto& sockets = tcp_.emplace_back();
    for (const int socket : slot) {
      sockets.push_back(take_descriptor(socket, "a listening socket"));
    }
  }
  if (saved.unix_socket.descriptor >= 0) {
    unix_.emplace(saved.unix_socket);
  }
}

void ListeningSockets::make_slots(std::size_t slots) {
  std::vector<std::vector<Descriptor>> more;
  while (tcp_.size() + more.size() < slots) {
    more.push_back(bind_like_first());
  }
  tcp_.reserve(tcp_.size() + more.size());
  for (const auto& sockets : more) {
    for (const Descriptor& socket : sockets) {
      start_listening(socket.number(), address_of(socket.number()), accept_queue_length);
    }
  }
  std::move(more.begin(), more.end(), std::back_inserter(tcp_));
}

void ListeningSockets::put_right(std::size_t slot) const {
  for (const Descriptor& socket : tcp_.at(slot)) {
    int listens = 0;
    socklen_t length = sizeof listens;
    ::getsockopt(socket.number(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &length);
    if (listens == 0) {
      const TcpAddress address = address_of(socket.number());
      log::error("worker {}: its socket of {} did not listen any more", slot, address.name());
      start_listening(socket.number(), address, accept_queue_length);
    }
    set_nonblocking(socket.number());
  }
}

std::vector<Descriptor> ListeningSockets::bind_like_first() const {
  std::vector<Descriptor> sockets;
  for (const Descriptor& like : tcp_.front()) {
    sockets.push_back(bind_socket(address_of(like.number()), true));
    std::array<char, 16> algorithm{};  // TCP_CA_NAME_MAX
    socklen_t length = algorithm.size();
    check_syscall(
        ::getsockopt(like.number(), IPPROTO_TCP, TCP_CONGESTION, algorithm.data(), &length),
        "getsockopt TCP_CONGESTION");
    check_syscall(::setsockopt(sockets.back().number(), IPPROTO_TCP, TCP_CONGESTION,
                               algorithm.data(), length),
                  "setsockopt TCP_CONGESTION");
  }
  return sockets;
}

SavedSockets ListeningSockets::save() const {
  SavedSockets saved;
  for (const auto& slot : tcp_) {
    auto& descriptors = saved.tcp_descriptors.emplace_back();
    for (const Descriptor& socket : slot) {
      descriptors.push_back(socket.number());
    }
  }
  if (unix_) {
    saved.unix_socket = unix_->save();
  }
  saved.names = names_;
  saved.local_url = local_url_;
  return saved;
}

void ListeningSockets::set_congestion_control(const std::optional<std::string>& wanted) const {
  const std::string name = wanted.value_or(default_congestion_control);
  if (name == "system") {
    return;
  }
  for (const auto& sockets : tcp_) {
    for (const Descriptor& socket : sockets) {
      if (::setsockopt(socket.number(), IPPROTO_TCP, TCP_CONGESTION, name.data(),
                       static_cast<socklen_t>(name.size())) == 0) {
        continue;
      }
      const int error_number = errno;
      // EPERM: it is there, but only for the privileged.
      const std::string which = error_number == EPERM ? "allowed" : "available";
      std::string names;
      std::getline(std::ifstream("/proc/sys/net/ipv4/tcp_" + which + "_congestion_control"), names);
      const std::string text = "congestion_control: " + name +
                               " cannot be had: " + std::generic_category().message(error_number) +
                               "; " + which + " here: " + names;
      if (wanted) {
        throw std::runtime_error(text);
      }
      log::warning("{}; going on with the system's own", text);
      return;
    }
  }
}

}  // namespace eradio
