#include "common/http/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <gtest/gtest.h>

namespace eradio {
namespace {

PeerAddress ipv4(const char* text, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  ::inet_pton(AF_INET, text, &address.sin_addr);
  return PeerAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

PeerAddress ipv6(const char* text, std::uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  ::inet_pton(AF_INET6, text, &address.sin6_addr);
  return PeerAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

TEST(PeerAddress, EveryFamilyHasItsTextForm) {
  EXPECT_EQ(ipv4("192.0.2.1", 80).text(), "192.0.2.1");
  EXPECT_EQ(ipv6("2001:db8::1", 80).text(), "2001:db8::1");
  EXPECT_EQ(PeerAddress().text(), "unix");
  EXPECT_EQ(ipv4("192.0.2.1", 8080).port(), 8080);
}

TEST(PeerAddress, AMappedAddressIsTheSameAsTheIPv4Address) {
  EXPECT_EQ(ipv6("::ffff:192.0.2.1", 80).text(), "192.0.2.1");
  EXPECT_EQ(ipv6("::ffff:192.0.2.1", 80), ipv4("192.0.2.1", 80));
  EXPECT_EQ(ipv6("::ffff:192.0.2.1", 80).bytes(), ipv4("192.0.2.1", 81).bytes());
  EXPECT_NE(ipv4("192.0.2.1", 80).bytes(), ipv4("192.0.2.2", 80).bytes());
}

TEST(PeerAddress, TheNetworkOfASubscriberIsAnIPv6Slash64OrOneIPv4Address) {
  EXPECT_EQ(ipv6("2001:db8:1:2:3:4:5:6", 80).network().text(), "2001:db8:1:2::");
  EXPECT_EQ(ipv6("2001:db8:1:2:3:4:5:6", 80).network(), ipv6("2001:db8:1:2::", 81).network());
  EXPECT_NE(ipv6("2001:db8:1:2::", 80).network(), ipv6("2001:db8:1:3::", 80).network());
  EXPECT_EQ(ipv4("192.0.2.1", 80).network().text(), "192.0.2.1");
  EXPECT_EQ(ipv6("::ffff:192.0.2.1", 80).network(), ipv4("192.0.2.1", 81).network());
  EXPECT_EQ(ipv6("::1", 80).network().text(), "::1") << "must not become a Unix peer";
  EXPECT_TRUE(PeerAddress().network().is_unix());
}

TEST(PeerAddress, AnythingElseIsAUnixPeer) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  EXPECT_TRUE(PeerAddress::from_sockaddr(generic, sizeof(sa_family_t)).is_unix());
  EXPECT_TRUE(PeerAddress::from_sockaddr(nullptr, 0).is_unix());
  EXPECT_FALSE(ipv4("192.0.2.1", 80).is_unix());
}

TEST(PeerAddress, AnAddressThatIsCutOffIsNotRead) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  EXPECT_TRUE(PeerAddress::from_sockaddr(generic, sizeof(sockaddr_in)).is_unix());
}

TEST(PeerAddress, IsReadFromItsText) {
  for (const char* text : {"192.0.2.1", "2001:db8::1", "::1", "unix"}) {
    const auto address = PeerAddress::from_text(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
  }
  EXPECT_EQ(PeerAddress::from_text("::ffff:192.0.2.1"), PeerAddress::from_text("192.0.2.1"));
  EXPECT_EQ(PeerAddress::from_text("192.0.2.1")->bytes(), ipv4("192.0.2.1", 80).bytes());
  for (const char* text : {"", "::", "192.0.2", "192.0.2.1:80", "[::1]", "example.org", "Unix"}) {
    EXPECT_FALSE(PeerAddress::from_text(text)) << text;
  }
}

}  // namespace
}  // namespace eradio
