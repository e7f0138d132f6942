#include "eradioctl/control_client.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include <grp.h>
#include <httplib.h>

#include "common/descriptor.h"
#include "common/log.h"
#include "eradioctl/failure.h"

namespace eradio {
namespace {

constexpr std::size_t path_bytes_max = sizeof(sockaddr_un::sun_path) - 1;

// Why no connection can be made there: an errno value, 0 if one can.
int connect_error(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const bool connected =
      socket &&
      ::connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  return connected ? 0 : errno;
}

// " or as a member of the group NAME", as far as it can be seen who may.
std::string or_as_member(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return "";
  }
  const group* owner = ::getgrgid(status.st_gid);
  const std::string name = owner == nullptr ? std::to_string(status.st_gid) : owner->gr_name;
  return name == "root" ? "" : " or as a member of the group " + name;
}

[[noreturn]] void throw_unanswered(const std::string& path) {
  switch (const int error_number = connect_error(path)) {
    case 0:
    case EAGAIN:  // its queue is full
      throw Failure(ExitStatus::refused, "the eradio at " + path + " does not answer in time");
    case EACCES:
    case EPERM:
      throw Failure(
          ExitStatus::no_permission,
          path + " may not be opened: permission denied (try as root" + or_as_member(path) + ")");
    case ENOENT:
    case ENOTDIR:
    case ECONNREFUSED:
      throw Failure(ExitStatus::no_server, "no eradio answers at " + path + ": is it running?");
    default:
      throw Failure(ExitStatus::no_server, "no eradio answers at " + path + ": " +
                                               std::generic_category().message(error_number));
  }
}

}  // namespace

nlohmann::ordered_json ControlClient::get(const std::string& target) {
  return ask("GET", target, "", Patience::brief);
}

nlohmann::ordered_json ControlClient::post(const std::string& target, const std::string& body,
                                           Patience patience) {
  return ask("POST", target, body, patience);
}

nlohmann::ordered_json ControlClient::put(const std::string& target, const std::string& body) {
  return ask("PUT", target, body, Patience::brief);
}

nlohmann::ordered_json ControlClient::ask(const std::string& method, const std::string& target,
                                          const std::string& body, Patience patience) {
  if (path_.empty() || path_.size() > path_bytes_max) {
    throw Failure(ExitStatus::usage, "the path of a Unix socket has from 1 to " +
                                         std::to_string(path_bytes_max) + " bytes, not " +
                                         std::to_string(path_.size()));
  }
  httplib::ClientImpl client(path_);  // Client would look for a scheme and a port in it
  client.set_address_family(AF_UNIX);
  constexpr std::chrono::seconds brief{5};
  constexpr std::chrono::minutes for_workers{6};  // the server gives up after five
  client.set_connection_timeout(brief);
  client.set_read_timeout(patience == Patience::brief ? std::chrono::seconds(brief) : for_workers);
  client.set_write_timeout(brief);
  httplib::Request request;
  request.method = method;
  request.path = target;
  request.body = body;
  request.set_header("Host", "localhost");  // it would be the path
  if (!body.empty()) {
    request.set_header("Content-Type", "application/json");
  }
  const httplib::Result result = client.send(request);
  if (!result) {
    throw_unanswered(path_);
  }
  auto json = nlohmann::ordered_json::parse(result->body, nullptr, false);
  if (!json.is_object()) {
    throw Failure(ExitStatus::refused,
                  "what answers at " + path_ + " is no eradio: " + printable(result->body, 100));
  }
  if (result->status != 200) {
    refusal_ = result->body;
    const bool not_understood = result->status == 400;
    const auto why = json.find("error");
    throw Failure(not_understood ? ExitStatus::usage : ExitStatus::refused,
                  why != json.end() && why->is_string() ? printable(why->get<std::string>())
                                                        : "the server does not say why");
  }
  return json;
}

}  // namespace eradio
