#include "master/listening_sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <system_error>

#include <gtest/gtest.h>

namespace eradio {
namespace {

std::uint16_t port_of(const Descriptor& socket) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  EXPECT_EQ(::getsockname(socket.number(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  return ntohs(address.sin_port);
}

std::filesystem::path temporary_path(const std::string& name) {
  return std::filesystem::path(testing::TempDir()) /
         ("eradio-" + std::to_string(::getpid()) + "-" + name);
}

bool connects_to(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  return ::connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
         0;
}

TEST(ListeningSockets, EverySlotHasASocketOfItsOwnOnTheSamePort) {
  const ListeningSockets sockets({.addresses = {"127.0.0.1"}, .port = 0, .unix_path = std::nullopt},
                                 3);
  const std::uint16_t port = port_of(sockets.tcp(0).at(0));
  for (std::size_t slot = 0; slot < 3; ++slot) {
    ASSERT_EQ(sockets.tcp(slot).size(), 1U);
    EXPECT_EQ(port_of(sockets.tcp(slot).front()), port);
  }
  EXPECT_EQ(sockets.names(), (std::vector{"127.0.0.1:" + std::to_string(port)}));
  EXPECT_EQ(sockets.local_url(), "http://127.0.0.1:" + std::to_string(port));
}

TEST(ListeningSockets, ListenAgainWhateverAWorkerHasDoneToThem) {
  const ListeningSockets sockets({.addresses = {"127.0.0.1"}, .port = 0, .unix_path = std::nullopt},
                                 1);
  const int socket = sockets.tcp(0).at(0).number();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port_of(sockets.tcp(0).at(0)));
  const auto connects = [&] {
    const Descriptor client(::socket(AF_INET, SOCK_STREAM, 0));
    return ::connect(client.number(), reinterpret_cast<const sockaddr*>(&address),
                     sizeof address) == 0;
  };
  EXPECT_TRUE(connects());
  ASSERT_EQ(::shutdown(socket, SHUT_RDWR), 0);
  ASSERT_EQ(::fcntl(socket, F_SETFL, 0), 0);
  EXPECT_FALSE(connects());
  sockets.put_right(0);
  EXPECT_TRUE(connects());
  EXPECT_NE(::fcntl(socket, F_GETFL) & O_NONBLOCK, 0);
  sockets.put_right(0);
  EXPECT_TRUE(connects());
}

TEST(ListeningSockets, APortThatAnotherServerHasIsAnErrorThatNamesItEvenIfThatOneShares) {
  const ListeningSockets other({.addresses = {"127.0.0.1"}, .port = 0, .unix_path = std::nullopt},
                               1);
  const std::uint16_t port = port_of(other.tcp(0).at(0));
  try {
    const ListeningSockets sockets(
        {.addresses = {"127.0.0.1"}, .port = port, .unix_path = std::nullopt}, 1);
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), EADDRINUSE);
    EXPECT_NE(std::string(error.what()).find("127.0.0.1:" + std::to_string(port)),
              std::string::npos)
        << error.what();
  }
}

TEST(ListeningSockets, ThePortIsFreeAgainAtOnce) {
  std::uint16_t port = 0;
  for (int i = 0; i < 3; ++i) {
    const ListeningSockets sockets(
        {.addresses = {"127.0.0.1"}, .port = port, .unix_path = std::nullopt}, 2);
    port = port_of(sockets.tcp(0).at(0));
  }
}

TEST(ListeningSockets, TheUnixSocketsFileComesAndGoes) {
  const auto path = temporary_path("comes-and-goes");
  {
    const ListeningSockets sockets({.addresses = {"127.0.0.1"}, .port = 0, .unix_path = path}, 1);
    EXPECT_TRUE(connects_to(path));
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0666U);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ListeningSockets, AFileLeftBehindIsReplacedAndOneInUseIsNot) {
  const auto path = temporary_path("left-behind");
  const ListeningAddresses wanted{.addresses = {"127.0.0.1"}, .port = 0, .unix_path = path};
  {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    const Descriptor dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::bind(dead.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
  }
  ASSERT_TRUE(std::filesystem::exists(path));
  const ListeningSockets sockets(wanted, 1);
  EXPECT_TRUE(connects_to(path));
  EXPECT_THROW(ListeningSockets(wanted, 1), std::system_error);
  EXPECT_TRUE(connects_to(path)) << "the second one took it away from the first";
}

TEST(ListeningSockets, AnOrdinaryFileIsNotRemoved) {
  const auto path = temporary_path("ordinary");
  std::ofstream(path) << "precious";
  EXPECT_THROW(ListeningSockets({.addresses = {"127.0.0.1"}, .port = 0, .unix_path = path}, 1),
               std::system_error);
  EXPECT_TRUE(std::filesystem::exists(path));
  std::filesystem::remove(path);
}

TEST(ListeningSockets, AnAddressThatIsNotOursIsAnErrorThatNamesIt) {
  try {
    const ListeningSockets sockets(
        {.addresses = {"192.0.2.1"}, .port = 0, .unix_path = std::nullopt}, 1);
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string(error.what()).find("192.0.2.1"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace eradio
