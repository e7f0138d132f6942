#include "tests/bench/nchan_server.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

#include "common/child_process.h"
#include "tests/bench/frame_clock.h"
#include "tests/support/endpoint.h"
#include "tests/support/http_client.h"
#include "tests/support/patience.h"
#include "tests/support/processes.h"

namespace eradio::testing {
namespace {

constexpr const char* nginx_program = "/usr/sbin/nginx";
constexpr const char* module_file = "/usr/lib/nginx/modules/ngx_nchan_module.so";

// Nobody who comes late gets old frames, and nothing stands between two of them.
std::string configuration(const NchanSettings& settings, std::uint16_t port,
                          const std::string& directory) {
  const std::string listen = "127.0.0.1:" + std::to_string(port);
  return "load_module " + std::string(module_file) +
         ";\n"
         "daemon off;\n"
         "user nobody nogroup;\n"
         "pid " +
         directory +
         "/nginx.pid;\n"
         "error_log stderr warn;\n"
         "worker_processes " +
         (settings.tuned ? "auto" : "1") +
         ";\n"
         "worker_rlimit_nofile 20000;\n"
         "events { worker_connections 20000; }\n"
         "http {\n"
         "  access_log off;\n"
         "  tcp_nodelay on;\n"
         "  client_body_temp_path " +
         directory +
         "/body;\n"
         "  nchan_shared_memory_size 128M;\n"
         "  nchan_message_buffer_length 20;\n"
         "  nchan_message_timeout 5s;\n"
         "  keepalive_requests 1000000;\n"
         "  server {\n"
         "    listen " +
         listen + (settings.tuned ? " reuseport backlog=4096" : "") +
         ";\n"
         "    location = /publish { nchan_publisher; nchan_channel_id radio; }\n"
         "    location = " +
         NchanServer::target +
         " {\n"
         "      nchan_subscriber http-raw-stream;\n"
         "      nchan_subscriber_http_raw_stream_separator \"\";\n"
         "      nchan_subscriber_first_message newest;\n"
         "      nchan_channel_id radio;\n"
         "    }\n"
         "  }\n"
         "}\n";
}

std::string publication(std::span<const std::byte> frame) {
  std::string request =
      "POST /publish HTTP/1.1\r\nHost: localhost\r\nContent-Type: audio/mpeg\r\n"
      "Content-Length: " +
      std::to_string(frame.size()) + "\r\n\r\n";
  request.append(reinterpret_cast<const char*>(frame.data()), frame.size());
  return request;
}

}  // namespace

std::string NchanServer::why_unavailable() {
  if (::geteuid() != 0) {
    return "it is started as root, and becomes another user";
  }
  return ::access(nginx_program, X_OK) == 0 && ::access(module_file, R_OK) == 0
             ? ""
             : "nchan is not installed: sh packaging/dependencies.sh bench does that";
}

NchanServer::NchanServer(const NchanSettings& settings) : port_(free_port()) {
  const std::string file =
      directory_.write("nginx.conf", configuration(settings, port_, directory_.file("")));
  using std::filesystem::perms;
  std::filesystem::permissions(directory_.file(""), perms::others_exec,
                               std::filesystem::perm_options::add);
  process_ = start_child({.arguments = {nginx_program, "-c", file, "-e", "stderr"},
                          .environment = {},
                          .descriptors = {{.ours = log_.write_end(), .theirs = STDOUT_FILENO},
                                          {.ours = log_.write_end(), .theirs = STDERR_FILENO}}});
  log_.close_ours();
  const bool serves = comes_true([&] {
    try {
      return fetch(Endpoint::ipv4(port_), "/").has_value();
    } catch (const std::exception&) {  // it does not listen yet
      return false;
    }
  });
  if (!serves) {
    end();
    throw std::runtime_error("nginx does not serve; its log:\n" + log_.text());
  }
  publisher_ =
      std::jthread([this, settings](const std::stop_token& stop) { publish(stop, settings); });
}

NchanServer::~NchanServer() { end(); }

void NchanServer::end() noexcept {
  publisher_ = {};
  ::kill(process_, SIGTERM);
  if (!wait_for_child(process_, patience)) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
}

std::vector<pid_t> NchanServer::processes() const {
  std::vector<pid_t> processes{process_};
  for (const auto& child : children_of(process_)) {
    processes.push_back(child.id);
  }
  return processes;
}

void NchanServer::publish(const std::stop_token& stop, const NchanSettings& settings) const {
  HttpClient client(Endpoint::ipv4(port_));
  FrameClock frames(settings.frames_per_second, settings.frame_bytes);
  while (!stop.stop_requested()) {
    pollfd due{.fd = frames.descriptor(), .events = POLLIN, .revents = 0};
    if (::poll(&due, 1, 1000) > 0 &&
        (!client.send(publication(frames.next_frame())) || !client.read_reply())) {
      return;  // the listeners will miss the frames
    }
  }
}

}  // namespace eradio::testing
