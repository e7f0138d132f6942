// The sockets that listeners connect to. The master makes one SO_REUSEPORT socket for each address
// and worker slot and keeps them all open: a worker that dies leaves its accept queue to its
// successor, so no connection is refused. Unix sockets have no SO_REUSEPORT: all workers share one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/descriptor.h"
#include "master/unix_listening_socket.h"

namespace eradio {

struct ListeningAddresses {
  std::vector<std::string> addresses;  // IPv4 or IPv6 in numbers; empty: all of both
  std::uint16_t port = 0;              // 0: any that is free, the same for all addresses
  std::optional<std::filesystem::path> unix_path;
  // TCP_CONGESTION of tcp(7); "system": the system's own. Nothing: default_congestion_control if
  // the kernel lets us have it.
  std::optional<std::string> congestion_control{};
};

// docs/lag.md has the measurements that speak for it.
constexpr const char* default_congestion_control = "cubic";

class ListeningSockets {
 public:
  // Throws std::system_error or std::runtime_error that names the address.
  ListeningSockets(const ListeningAddresses& wanted, std::size_t workers);
  // Goes on with those of another master. Throws std::runtime_error.
  explicit ListeningSockets(const SavedSockets& saved);
  [[nodiscard]] SavedSockets save() const;
  ListeningSockets(const ListeningSockets&) = delete;
  ListeningSockets& operator=(const ListeningSockets&) = delete;

  // For slots from now on, at least so many: sockets like those of the first. Throws
  // std::system_error; then there are as many as before.
  void make_slots(std::size_t slots);
  // Whatever a worker has done to those of the slot: they listen, and do not wait.
  void put_right(std::size_t slot) const;
  [[nodiscard]] std::size_t slots() const noexcept { return tcp_.size(); }
  // How many each slot has.
  [[nodiscard]] std::size_t per_slot() const noexcept { return tcp_.front().size(); }

  [[nodiscard]] const std::vector<Descriptor>& tcp(std::size_t slot) const { return tcp_.at(slot); }
  // -1 if there is none.
  [[nodiscard]] int unix_socket() const noexcept { return unix_ ? unix_->number() : -1; }
  // "0.0.0.0:8080", "[::]:8080", "unix:/run/…": what is really listened on.
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
  // A URL prefix that a person on this machine can use; empty with a Unix socket only.
  [[nodiscard]] const std::string& local_url() const noexcept { return local_url_; }

  static bool is_address(const std::string& text);

 private:
  [[nodiscard]] std::vector<Descriptor> bind_like_first() const;
  // Of all TCP sockets, and so of all connections that they accept.
  void set_congestion_control(const std::optional<std::string>& wanted) const;

  std::vector<std::vector<Descriptor>> tcp_;  // by slot
  std::optional<UnixListeningSocket> unix_;
  std::vector<std::string> names_;
  std::string local_url_;
};

}  // namespace eradio
