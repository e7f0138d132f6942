// Where the server's control socket is: as the command line says, or a configuration file, or where
// a server puts it that is told nothing.
#pragma once

#include <optional>
#include <string>

namespace eradio {

// `socket`, `config`: of the command line. Throws Failure when the file cannot be read or turns the
// socket off.
std::string find_socket_path(const std::optional<std::string>& socket,
                             const std::optional<std::string>& config);

}  // namespace eradio
