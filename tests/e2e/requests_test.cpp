// Requests, proper ones and others, against a running server.

#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/clock.h"
#include "tests/support/http_client.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/patience.h"
#include "tests/support/processes.h"
#include "tests/support/server.h"
#include "tests/support/temporary_directory.h"

namespace eradio::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

void expect_json_error(const std::optional<HttpReply>& reply, int status) {
  ASSERT_TRUE(reply) << "no answer, where " << status << " was expected";
  EXPECT_EQ(reply->status, status) << reply->body;
  EXPECT_EQ(reply->field("content-type"), "application/json");
  EXPECT_EQ(reply->field("access-control-allow-origin"), "*");
  const auto body = nlohmann::json::parse(reply->body, nullptr, false);
  ASSERT_TRUE(body.is_object()) << reply->body;
  EXPECT_NE(body.value("error", ""), "");
}

// One server for all of them: none may do it any harm.
class Requests : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = new TemporaryDirectory;
    directory_->write("index.html", "<html>the page</html>");
    directory_->write("client.js", "// the client");
    directory_->write("large.bin", std::string(3 << 20, 'x'));
    directory_->write(".hidden", the_secret);
    std::filesystem::create_directories(directory_->file("sub/.hidden"));
    directory_->write("sub/page.html", "a page below");
    directory_->write("sub/.hidden/file", the_secret);
    std::filesystem::create_directory(directory_->file(injecting_name));
    outside_ = new TemporaryDirectory;
    outside_->write("secret", the_secret);
    std::filesystem::create_symlink(outside_->file("secret"), directory_->file("way_out"));
    std::filesystem::create_directory_symlink(outside_->file(""), directory_->file("way_up"));
    std::filesystem::create_symlink("sub/page.html", directory_->file("way_down"));
    server_ = new Server({.arguments = {"--webroot", directory_->file("")}});
  }
  static void TearDownTestSuite() {
    expect_clean_stop(server_->stop());
    delete server_;
    delete directory_;
    delete outside_;
  }
  void TearDown() override {
    const auto reply = fetch(server_->ipv4(), "/");
    EXPECT_TRUE(reply && reply->status == 200) << "the server does not answer any more";
    if (HasFailure()) {
      std::printf("--- the server's log ---\n%s", server_->log().text().c_str());
    }
  }
  static Endpoint endpoint() { return server_->ipv4(); }
  static Server& server() { return *server_; }
  // The path of a secret beside the webroot, from "/".
  static std::string way_to_secret() { return outside_->file("secret"); }
  static constexpr const char* the_secret = "root: the secret";
  static constexpr const char* injecting_name = "a\r\nX-Injected: yes";

 private:
  static inline TemporaryDirectory* outside_ = nullptr;
  static inline TemporaryDirectory* directory_ = nullptr;
  static inline Server* server_ = nullptr;
};

TEST_F(Requests, ForThePageAndOtherFilesAreAnswered) {
  const auto page = fetch(endpoint(), "/");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, 200);
  EXPECT_EQ(page->body, "<html>the page</html>");
  EXPECT_TRUE(page->field("content-type").starts_with("text/html")) << page->head;
  const auto script = fetch(endpoint(), "/client.js");
  ASSERT_TRUE(script);
  EXPECT_EQ(script->body, "// the client");
  EXPECT_NE(script->field("content-type").find("javascript"), std::string::npos);
  const auto head = fetch(endpoint(), "/large.bin", "HEAD");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->field("content-length"), std::to_string(3 << 20));
  const auto large = fetch(endpoint(), "/large.bin");
  ASSERT_TRUE(large);
  EXPECT_EQ(large->body, std::string(3 << 20, 'x'));
}

TEST_F(Requests, ForWhatIsNotThereGetA404AsJson) {
  for (const std::string path :
       {"/nothing", "/v1/nothing", "/v1/", "/v1/ws/nothing", "/.hidden", "/index.html/more"}) {
    SCOPED_TRACE(path);
    expect_json_error(fetch(endpoint(), path), 404);
  }
}

// Wherever the webroot is: as many steps up as there can be.
std::string up(const std::string& step) {
  std::string steps;
  for (int i = 0; i < 8; ++i) {
    steps += step;
  }
  return steps;
}

TEST_F(Requests, CannotLeaveTheWebroot) {
  const std::string secret = way_to_secret();
  for (const std::string& target : {
           up("/..") + secret,
           up("/%2e%2e") + secret,
           up("/%2E.") + secret,
           up("/.%2e") + secret,
           "/" + up("..%2f") + secret,
           "/" + up("%2e%2e%2f") + secret,  // encoded slashes
           up("/%252e%252e") + secret,
           "/" + up("..%252f") + secret,  // encoded twice
           up("/..\\") + secret,
           "/" + up("..%5c") + secret,  // backslashes
           up("/%c0%ae%c0%ae") + secret,
           "/" + up("..%c0%af") + secret,  // overlong UTF-8
           up("/%e0%80%ae%e0%80%ae") + secret,
           up("/%uff0e%uff0e") + secret,
           up("/..;") + secret,
           up("/...") + secret,
           up("/.. ") + secret,
           up("/..%00") + secret,
           "/sub" + up("/..") + secret,
           "/sub/page.html" + up("/..") + secret,
           "/./.." + up("/..") + secret,
           "/sub//../.." + secret,
           "/" + secret,
           "//" + secret,
           "/%2f" + secret,
           "/sub/" + secret,
           "file://" + secret,
           "http://localhost" + up("/..") + secret,
           "http://localhost" + up("/%2e%2e") + secret,
           "http://localhost/" + secret,
           std::string("/way_out"),
           std::string("/way_out?"),
           std::string("/way_up/secret"),
           std::string("/way_up/"),
           std::string("/%77ay_out"),
           std::string("/sub/../way_out"),
           std::string("/.hidden"),
           std::string("/%2ehidden"),
           std::string("/%2Ehidden"),
           std::string("/sub/.hidden/file"),
           std::string("/sub/%2ehidden/file"),
           std::string("/sub/page.html/../.hidden/file"),
           std::string("/sub/./.hidden/file"),
           std::string("/.hidden%00.html"),
           std::string("/%00"),
           std::string("/index.html%00.png"),
           std::string("/index.html%00"),
           std::string("/%"),
           std::string("/%2"),
           std::string("/%zz"),
           std::string("/index.html/"),
           std::string("/sub/page.html/."),
       }) {
    SCOPED_TRACE(target);
    HttpClient client(endpoint());
    client.send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const auto reply = client.read_reply();
    ASSERT_TRUE(reply);
    EXPECT_GE(reply->status, 400);
    EXPECT_LT(reply->status, 500);
    EXPECT_EQ(reply->body.find(the_secret), std::string::npos);
  }
  const auto inside = fetch(endpoint(), "/way_down");
  ASSERT_TRUE(inside);
  EXPECT_EQ(inside->body, "a page below") << "a link that stays inside is as good as a file";
}

TEST_F(Requests, GetNoHeaderFieldIntoAnAnswer) {
  for (const std::string request : {
           "GET /stream.mp3?listener_id=1%0d%0aX-Injected:%20yes HTTP/1.1\r\nHost: x\r\n",
           "GET /stream.mp3?max_lag=1%0d%0aX-Injected:%20yes HTTP/1.1\r\nHost: x\r\n",
           "GET /nothing%0d%0aX-Injected:%20yes HTTP/1.1\r\nHost: x\r\n",
           "GET /nothing%0aX-Injected:%20yes HTTP/1.1\r\nHost: x\r\n",
           "GET /a%0d%0aX-Injected:%20yes HTTP/1.1\r\nHost: x\r\n",  // there is such a directory
           "GET /sub?%0d%0aX-Injected:%20yes HTTP/1.1\r\nHost: x\r\n",
           "GET /sub?a\rX-Injected: yes HTTP/1.1\r\nHost: x\r\n",
           "GET /sub HTTP/1.1\r\nHost: x%0d%0aX-Injected: yes\r\n",
           "GET /sub HTTP/1.1\r\nHost: x\rX-Injected: yes\r\n",
           "OPTIONS /v1/veto HTTP/1.1\r\nHost: x\r\nOrigin: x\rX-Injected: yes\r\n"
           "Access-Control-Request-Method: PUT\r\n",
           "OPTIONS /v1/veto HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\n"
           "Access-Control-Request-Headers: a%0d%0aX-Injected: yes\r\n",
           "BREW%0d%0aX-Injected:yes / HTTP/1.1\r\nHost: x\r\n",
           "GET /v1/ws/notify HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
           "Sec-WebSocket-Protocol: a%0d%0aX-Injected: yes\r\n",
           "GET /index.html HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\rX-Injected: yes\r\n",
       }) {
    SCOPED_TRACE(request);
    HttpClient client(endpoint());
    ASSERT_TRUE(client.send(request + "\r\n"));
    const auto reply = client.read_reply(request.starts_with("OPTIONS"));
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->fields.count("x-injected"), 0U) << reply->head;
    EXPECT_EQ(reply->head.find("\nX-Injected"), std::string::npos) << reply->head;
    EXPECT_EQ(reply->head.find("\rX-Injected"), std::string::npos) << reply->head;
  }
}

TEST(Configuration, CannotPutAHeaderFieldIntoAnAnswer) {
  for (const std::string key : {"content_type", "stream_path", "content_security_policy"}) {
    const std::string value = key == "stream_path" ? "/stream" : "default-src/x";
    const RunReport report =
        run_eradiod({"--check_config", "--" + key, value + "\r\nX-Injected: y"});
    EXPECT_EQ(report.exit_status(), 1) << key;
    EXPECT_NE(report.errors.find(key), std::string::npos) << report.errors;
  }
}

TEST_F(Requests, WithTheWrongMethodAreToldTheRightOnes) {
  for (const std::string method : {"POST", "PUT", "DELETE", "PATCH"}) {
    SCOPED_TRACE(method);
    const auto reply = fetch(endpoint(), "/stream.mp3", method, "Content-Length: 0\r\n");
    expect_json_error(reply, 405);
    EXPECT_NE(reply->field("allow").find("GET"), std::string::npos) << reply->head;
    EXPECT_NE(reply->field("allow").find("HEAD"), std::string::npos) << reply->head;
  }
  expect_json_error(fetch(endpoint(), "/client.js", "DELETE"), 405);
  expect_json_error(fetch(endpoint(), "/stream.mp3", "BREW"), 405);
}

TEST_F(Requests, OfOtherOriginsAreAllowedWhenTheyAskFirst) {
  const auto reply = fetch(endpoint(), "/stream.mp3", "OPTIONS",
                           "Origin: http://example.org\r\nAccess-Control-Request-Method: GET\r\n");
  ASSERT_TRUE(reply);
  EXPECT_GE(reply->status, 200);
  EXPECT_LT(reply->status, 300);
  EXPECT_EQ(reply->field("access-control-allow-origin"), "*");
  EXPECT_NE(reply->field("access-control-allow-methods").find("GET"), std::string::npos);
}

TEST_F(Requests, SentOneByteAtATimeAreAnswered) {
  HttpClient client(endpoint());
  for (const char byte : std::string("GET /stream.mp3?listener_id=9 HTTP/1.1\r\nHost: x\r\n\r\n")) {
    ASSERT_TRUE(client.send(std::string(1, byte)));
  }
  const auto reply = client.read_reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->field("x-listener-id"), "9");
  EXPECT_GE(client.read_bytes(1000).size(), 1000U);
}

TEST_F(Requests, ThatArePipelinedAreAnsweredInOrder) {
  HttpClient client(endpoint());
  ASSERT_TRUE(
      client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"
                  "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
                  "HEAD /client.js HTTP/1.1\r\nHost: x\r\n\r\n"
                  "GET /stream.mp3?listener_id=3 HTTP/1.1\r\nHost: x\r\n\r\n"));
  const auto page = client.read_reply();
  ASSERT_TRUE(page);
  EXPECT_EQ(page->body, "<html>the page</html>");
  expect_json_error(client.read_reply(), 404);
  const auto head = client.read_reply(true);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  const auto stream = client.read_reply();
  ASSERT_TRUE(stream);
  EXPECT_EQ(stream->field("x-listener-id"), "3");
  EXPECT_GE(client.read_bytes(1000).size(), 1000U);
}

TEST_F(Requests, ThatAreTruncatedGetNoAnswerAndDoNoHarm) {
  const std::string request = "GET /stream.mp3 HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (std::size_t bytes = 0; bytes < request.size(); ++bytes) {
    HttpClient client(endpoint());
    ASSERT_TRUE(client.send(request.substr(0, bytes)));
    if (bytes % 2 == 0) {
      client.finish_sending();
      EXPECT_TRUE(client.read_to_end()) << "after " << bytes << " bytes";
    }
  }
}

TEST_F(Requests, OfAClientThatHalfClosesAreAnswered) {
  HttpClient client(endpoint());
  ASSERT_TRUE(client.request("/"));
  client.finish_sending();
  const auto reply = client.read_reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->body, "<html>the page</html>");
  EXPECT_TRUE(client.read_to_end());
}

TEST_F(Requests, ThatAreTooLargeAreRefusedByTheirKind) {
  const auto reply_to = [&](const std::string& bytes) {
    HttpClient client(endpoint());
    client.send(bytes);
    return client.read_reply();
  };
  expect_json_error(reply_to("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n"),
                    414);
  expect_json_error(
      reply_to("GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + std::string(20'000, 'a') + "\r\n\r\n"),
      431);
  std::string many_fields = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 5000; ++i) {
    many_fields += "X-" + std::to_string(i) + ": y\r\n";
  }
  expect_json_error(reply_to(many_fields + "\r\n"), 431);
  expect_json_error(reply_to("PUT /v1/veto HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"),
                    413);
  expect_json_error(reply_to("PUT /v1/veto HTTP/1.1\r\nHost: x\r\n"
                             "Content-Length: 99999999999999999999999\r\n\r\n"),
                    413);
}

TEST_F(Requests, ThatAreGarbageAreRefused) {
  using std::string_literals::operator""s;
  for (const std::string& garbage :
       {"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n"s, "\0\0\0\0\r\n\r\n"s, "hello\r\n\r\n"s,
        "GET\r\n\r\n"s, "GET / HTTP/9.9\r\n\r\n"s, "GET / HTTP/1.1\r\nno colon\r\n\r\n"s,
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n"s, "GET stream HTTP/1.1\r\nHost: x\r\n\r\n"s,
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"s,
        "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"s}) {
    HttpClient client(endpoint());
    client.send(garbage);
    const auto reply = client.read_reply();
    if (reply) {
      EXPECT_GE(reply->status, 400) << garbage;
      EXPECT_LT(reply->status, 600) << garbage;
    }
    EXPECT_TRUE(client.read_to_end()) << "not closed after: " << garbage;
  }
  // Bytes without any line end, until the server has had enough of them.
  HttpClient client(endpoint());
  for (int i = 0; i < 1000 && client.send(std::string(4096, '\xab')); ++i) {
  }
  EXPECT_TRUE(client.read_to_end());
}

TEST_F(Requests, InThousandsOfConnectionsLeaveNoDescriptorBehind) {
  const auto open_now = [&] {
    std::size_t open = 0;
    for (const pid_t worker : server().workers()) {
      open += open_descriptors(worker);
    }
    return open;
  };
  const std::size_t before = open_now();
  const int rounds = scaled_down(3000);
  for (int i = 0; i < rounds; ++i) {
    HttpClient client(endpoint());
    if (i % 3 == 1) {
      client.request("/stream.mp3");
    } else if (i % 3 == 2) {
      client.send("GET /str");
    }
  }
  EXPECT_TRUE(comes_true([&] { return open_now() <= before; }))
      << open_now() << " descriptors are open, " << before << " were before";
}

TEST(ConnectionFlood, UntilDescriptorsRunOutIsSurvivedWithoutASpin) {
  if (sanitized_build) {
    GTEST_SKIP() << "UBSan's look at a virtual table takes a pipe, and reports an error without";
  }
  Server server({.arguments = {"--workers", "1"}, .descriptors_max = 200});
  ListenerCrowd crowd;
  CrowdListener& early = crowd.add({.endpoint = server.ipv4()});
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  {
    std::vector<Descriptor> flood(400);
    for (Descriptor& socket : flood) {
      socket = begin_connect(server.ipv4());
    }
    crowd.run_for(seconds(1));
    const pid_t worker = server.workers().front();
    const auto cpu_before = cpu_time(worker);
    crowd.run_for(seconds(2));
    const auto cpu_used = cpu_time(worker) - cpu_before;
    EXPECT_LT(cpu_used, milliseconds(500)) << "the worker spins";
    EXPECT_EQ(early.check().missed(), 0U);
    EXPECT_LT(early.check().last_age_ns(), ns_per_second);
  }
  crowd.add({.endpoint = server.ipv4()}, 50);
  EXPECT_TRUE(crowd.run_until_all_listen(patience)) << "it does not recover";
  EXPECT_EQ(crowd.fault(), "");
  EXPECT_EQ(crowd.ended(), 0U);
  expect_clean_stop(server.stop());
}

void expect_refused_over_limit(const HttpReply& reply) {
  expect_json_error(reply, 503);
  EXPECT_NE(reply.field("retry-after"), "") << reply.head;
}

TEST(Limit, OfListenersIsKeptOverAllWorkersAndTakesTheNextWhenOneLeaves) {
  Server server({.arguments = {"--workers", "2", "--max_listeners", "6"}});
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 6);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  for (int i = 0; i < 4; ++i) {
    const auto reply = fetch(server.ipv4(), "/stream.mp3");
    ASSERT_TRUE(reply);
    expect_refused_over_limit(*reply);
  }
  const auto page = fetch(server.ipv4(), "/");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, 200) << "the limit is for listeners, not for visitors";
  EXPECT_EQ(crowd.ended(), 0U);
  crowd.close(*crowd.listeners().front());
  bool admitted = false;
  for (int i = 0; i < 100 && !admitted; ++i) {
    HttpClient client(server.ipv4());
    client.request("/stream.mp3");
    const auto reply = client.read_reply();
    ASSERT_TRUE(reply);
    admitted = reply->status == 200;
  }
  EXPECT_TRUE(admitted);
}

TEST(Limit, OfConnectionsIsKeptForEachAddressByItself) {
  Server server({.arguments = {"--workers", "2", "--max_connections_per_ip", "3"}});
  const SocketOptions other{.local_address = "127.0.0.2"};
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 3);
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  for (int i = 0; i < 4; ++i) {
    HttpClient client(server.ipv4());
    client.request("/stream.mp3");
    const auto reply = client.read_reply();
    ASSERT_TRUE(reply);
    expect_refused_over_limit(*reply);
  }
  crowd.add({.endpoint = server.ipv4(), .socket = other}, 3);
  EXPECT_TRUE(crowd.run_until_all_listen(patience));
  EXPECT_EQ(crowd.ended(), 0U);
}

}  // namespace
}  // namespace eradio::testing
