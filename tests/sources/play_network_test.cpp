// The play source listening to an internet radio that gets stuck.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "common/descriptor.h"
#include "common/system_error.h"
#include "tests/sources/sound.h"
#include "tests/sources/source_process.h"

namespace eradio::test {
namespace {

using Kind = SourceEvent::Kind;

// Answers one request with five seconds of MP3, as fast as it is read, with ICY metadata in between
// as Icecast has it; then keeps the connection open and says nothing more.
class StuckRadio {
 public:
  StuckRadio() {
    listener_ =
        Descriptor(check_syscall(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    check_syscall(::bind(listener_.number(), generic, sizeof address), "bind");
    check_syscall(::listen(listener_.number(), 1), "listen");
    socklen_t length = sizeof address;
    check_syscall(::getsockname(listener_.number(), generic, &length), "getsockname");
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/radio";
    thread_ = std::thread([this] { serve(); });
  }
  ~StuckRadio() {
    ::shutdown(listener_.number(), SHUT_RDWR);
    thread_.join();
  }
  StuckRadio(const StuckRadio&) = delete;
  StuckRadio& operator=(const StuckRadio&) = delete;

  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  static constexpr std::size_t metadata_interval = 4000;  // bytes

  void serve() {
    connection_ = Descriptor(::accept(listener_.number(), nullptr, nullptr));
    std::array<char, 4096> request{};
    if (::recv(connection_.number(), request.data(), request.size(), 0) <= 0) {
      return;
    }
    send("HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\nicy-metaint: " +
         std::to_string(metadata_interval) + "\r\n\r\n");
    const Bytes stream = join(make_mp3_frames(190));
    for (std::size_t at = 0; at < stream.size(); at += metadata_interval) {
      const std::size_t bytes = std::min(metadata_interval, stream.size() - at);
      send({reinterpret_cast<const char*>(stream.data()) + at, bytes});
      std::string title = "StreamTitle='Song " + std::to_string(at / 40000) + "';";
      title.resize((title.size() + 15) / 16 * 16);
      send(static_cast<char>(title.size() / 16) + title);
    }
  }
  void send(const std::string& text) {
    (void)::send(connection_.number(), text.data(), text.size(), MSG_NOSIGNAL);
  }

  Descriptor listener_;
  Descriptor connection_;  // stays open until the end
  std::string url_;
  std::thread thread_;
};

TEST(PlaySourceOnTheNetwork, ObeysCommandsWhileTheRadioIsStuckAndTellsNewNamesOnly) {
  const TestFolder folder;
  if (!run_ffmpeg("-f lavfi -i sine=440:d=5 -ac 2 " + folder.path("a.wav"))) {
    FAIL() << "no ffmpeg to make files with: sh packaging/dependencies.sh tests";
  }
  const StuckRadio radio;
  SourceProcess source({ERADIO_SOURCE_PLAY, "--unpaced", radio.url(), folder.path("a.wav")});
  ASSERT_TRUE(source.read_until([&] { return source.count(Kind::data) >= 150; }));
  source.read_for(std::chrono::milliseconds(200));
  EXPECT_EQ(source.tracks(),
            (std::vector<TrackName>{{radio.url(), "Song 0"}, {radio.url(), "Song 1"}}));
  EXPECT_EQ(source.count(Kind::stopped), 0U);

  source.send(SourceCommand::next);
  ASSERT_TRUE(
      source.read_until([&] { return source.tracks().size() == 3; }, std::chrono::seconds(5)));
  EXPECT_EQ(source.tracks()[2].name, "a.wav");
}

}  // namespace
}  // namespace eradio::test
