#include "tests/link/emulated_links.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "common/child_process.h"
#include "common/system_error.h"
#include "tests/support/patience.h"
#include "tests/support/processes.h"

namespace eradio::testing {
namespace {

struct Pipe {
  Descriptor read_end;
  Descriptor write_end;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  check_syscall(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
  return {.read_end = Descriptor(ends[0]), .write_end = Descriptor(ends[1])};
}

}  // namespace

EmulatedLinks::EmulatedLinks(int count, std::uint64_t seed) {
  Pipe input = make_pipe();
  Pipe output = make_pipe();
  program_ =
      start_child({.arguments = {ERADIO_LINK, std::to_string(count), std::to_string(seed)},
                   .environment = {},
                   .descriptors = {{.ours = input.read_end.number(), .theirs = STDIN_FILENO},
                                   {.ours = output.write_end.number(), .theirs = STDOUT_FILENO}}});
  input_ = std::move(input.write_end);
  output_ = std::move(output.read_end);
  output.write_end.reset();
  try {
    std::istringstream words(read_line());
    std::string word;
    words >> word;
    while (words >> word) {
      namespaces_.push_back(word);
    }
    if (namespaces_.size() != static_cast<std::size_t>(count) + 1) {
      throw std::runtime_error("no links can be emulated here");
    }
  } catch (...) {
    end();
    throw;
  }
}

EmulatedLinks::~EmulatedLinks() { end(); }

void EmulatedLinks::end() noexcept {
  input_.reset();
  if (!wait_for_child(program_, patience)) {
    ::kill(program_, SIGKILL);
    ::waitpid(program_, nullptr, 0);
  }
}

std::string EmulatedLinks::why_unavailable() {
  static const std::string why = [] {
    try {
      const EmulatedLinks tried(1);
      return std::string();
    } catch (const std::exception& error) {
      return std::string("network namespaces and /dev/net/tun are needed, and root: ") +
             error.what();
    }
  }();
  return why;
}

std::string EmulatedLinks::read_line() {
  std::size_t end = 0;
  while ((end = read_.find('\n')) == std::string::npos) {
    std::array<char, 4096> buffer{};
    const ssize_t got = ::read(output_.number(), buffer.data(), buffer.size());
    if (got == 0) {
      throw std::runtime_error("the link emulator has ended");
    }
    if (got < 0 && errno != EINTR) {
      throw_system_error("read from the link emulator");
    }
    read_.append(buffer.data(), got < 0 ? 0 : static_cast<std::size_t>(got));
  }
  std::string line = read_.substr(0, end);
  read_.erase(0, end + 1);
  return line;
}

std::string EmulatedLinks::ask(const std::string& line) {
  const std::string text = line + "\n";
  if (::write(input_.number(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw_system_error("write to the link emulator");
  }
  std::string answer = read_line();
  if (answer.starts_with("error")) {
    throw std::runtime_error("the link emulator says to '" + line + "': " + answer);
  }
  return answer;
}

void EmulatedLinks::set(int link, LinkEnd to, const LinkSettings& settings) {
  ask(to_line({.kind = LinkCommand::Kind::set, .link = link, .to = to, .settings = settings}));
}

void EmulatedLinks::set(int link, const LinkSettings& down) {
  set(link, LinkEnd::far, down);
  set(link, LinkEnd::near, {.delay_ns = down.delay_ns});
}

LinkReport EmulatedLinks::report(int link, LinkEnd to) {
  return parse_link_report(
      ask(to_line({.kind = LinkCommand::Kind::report, .link = link, .to = to, .settings = {}})));
}

SocketOptions EmulatedLinks::far(int link) const {
  return {.network_namespace = namespaces_.at(static_cast<std::size_t>(link) + 1)};
}

Endpoint EmulatedLinks::server(int link, std::uint16_t port) {
  return Endpoint::ipv4(port, near_address(link));
}

}  // namespace eradio::testing
