#include "tests/bench/icecast_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <utility>

#include "common/child_process.h"
#include "common/system_error.h"
#include "tests/bench/frame_clock.h"
#include "tests/support/http_client.h"
#include "tests/support/patience.h"
#include "tests/support/processes.h"

namespace eradio::testing {
namespace {

constexpr const char* icecast_program = "/usr/bin/icecast2";
constexpr const char* nobody = "65534";  // user and group of that number are Debian's nobody
// Version 2.4.4 crashes now and then (2 of 150 starts) when a source comes while it starts.
constexpr int starts_max = 4;

// Debian's /etc/icecast2/icecast.xml as it is installed, but for what the settings say, and a log
// on standard error.
std::string configuration(const IcecastSettings& settings) {
  return R"(<icecast>
  <limits>
    <clients>)" +
         std::to_string(settings.clients) + R"(</clients>
    <sources>2</sources>
    <queue-size>)" +
         std::to_string(settings.queue_bytes) + R"(</queue-size>
    <client-timeout>30</client-timeout>
    <header-timeout>15</header-timeout>
    <source-timeout>10</source-timeout>
    <burst-on-connect>)" +
         (settings.burst_bytes > 0 ? "1" : "0") + R"(</burst-on-connect>
    <burst-size>)" +
         std::to_string(settings.burst_bytes) + R"(</burst-size>
  </limits>
  <authentication>
    <source-password>source</source-password>
    <admin-user>admin</admin-user>
    <admin-password>admin</admin-password>
  </authentication>
  <hostname>localhost</hostname>
  <listen-socket><port>)" +
         std::to_string(IcecastServer::port) + R"(</port></listen-socket>
  <fileserve>0</fileserve>
  <paths>
    <webroot>/usr/share/icecast2/web</webroot>
    <adminroot>/usr/share/icecast2/admin</adminroot>
  </paths>
  <logging>
    <accesslog>-</accesslog>
    <errorlog>-</errorlog>
    <loglevel>3</loglevel>
  </logging>
</icecast>
)";
}

}  // namespace

std::string IcecastServer::why_unavailable() {
  if (::geteuid() != 0) {
    return "it is started as root, and becomes another user";
  }
  return ::access(icecast_program, X_OK) == 0
             ? ""
             : "icecast2 is not installed: sh packaging/dependencies.sh "
               "bench does that";
}

IcecastServer::IcecastServer(const IcecastSettings& settings) {
  const std::string file = directory_.write("icecast.xml", configuration(settings));
  // For the user nobody to read.
  using std::filesystem::perms;
  std::filesystem::permissions(directory_.file(""), perms::others_exec,
                               std::filesystem::perm_options::add);
  std::filesystem::permissions(file, perms::others_read, std::filesystem::perm_options::add);
  // It refuses to be root. Changing the user would let it outlive us, but for --pdeathsig.
  std::vector<std::string> command{"setpriv", "--reuid",        nobody,        "--regid",
                                   nobody,    "--clear-groups", "--pdeathsig", "KILL",
                                   "--",      icecast_program,  "-c",          file};
  if (!settings.network_namespace.empty()) {
    command.insert(command.begin(), {"nsenter", "--net=" + settings.network_namespace, "--"});
  }
  for (int attempt = 1; !source_.joinable(); ++attempt) {
    try {
      start(command, settings);
    } catch (const std::runtime_error&) {
      if (attempt == starts_max) {
        throw;
      }
    }
  }
  log_.close_ours();
}

void IcecastServer::start(const std::vector<std::string>& command,
                          const IcecastSettings& settings) {
  process_ = start_child({.arguments = command,
                          .environment = {},
                          .descriptors = {{.ours = log_.write_end(), .theirs = STDOUT_FILENO},
                                          {.ours = log_.write_end(), .theirs = STDERR_FILENO}}});
  try {
    source_ =
        std::jthread([socket = begin_source(settings.network_namespace), settings](
                         const std::stop_token& stop) { send_frames(stop, socket, settings); });
    if (!has_the_stream(settings.network_namespace)) {
      throw std::runtime_error("icecast2 does not send the stream; its log:\n" + log_.text());
    }
  } catch (...) {
    end();
    throw;
  }
}

IcecastServer::~IcecastServer() { end(); }

void IcecastServer::end() noexcept {
  source_ = {};
  ::kill(process_, SIGTERM);
  if (!wait_for_child(process_, patience)) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
}

Descriptor IcecastServer::begin_source(const std::string& network_namespace) const {
  Descriptor socket;
  const bool taken = comes_true([&] {
    try {
      HttpClient client(Endpoint::ipv4(port), {.network_namespace = network_namespace});
      // "source:source" in base64.
      client.send(std::string("SOURCE ") + target +
                  " HTTP/1.0\r\nAuthorization: Basic c291cmNlOnNvdXJjZQ==\r\n"
                  "Content-Type: audio/mpeg\r\n\r\n");
      if (client.read_bytes(12).starts_with("HTTP/1.0 200")) {
        socket = Descriptor(::dup(client.descriptor()));
      }
    } catch (const std::exception&) {  // it does not listen yet
    }
    return static_cast<bool>(socket);
  });
  if (!taken) {
    throw std::runtime_error("icecast2 does not take the stream; its log:\n" + log_.text());
  }
  return socket;
}

bool IcecastServer::has_the_stream(const std::string& network_namespace) {
  return comes_true([&] {
    HttpClient client(Endpoint::ipv4(port), {.network_namespace = network_namespace});
    client.request(target);
    return client.read_bytes(12).starts_with("HTTP/1.0 200");
  });
}

void IcecastServer::send_frames(const std::stop_token& stop, const Descriptor& socket,
                                const IcecastSettings& settings) {
  const int on = 1;  // each frame is to leave at once
  ::setsockopt(socket.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  FrameClock frames(settings.frames_per_second, settings.frame_bytes);
  while (!stop.stop_requested()) {
    pollfd due{.fd = frames.descriptor(), .events = POLLIN, .revents = 0};
    if (::poll(&due, 1, 1000) > 0) {
      const auto frame = frames.next_frame();
      // Over loopback, to a server that reads at once, there is always room for a frame.
      if (::send(socket.number(), frame.data(), frame.size(), MSG_NOSIGNAL) < 0) {
        return;
      }
    }
  }
}

}  // namespace eradio::testing
