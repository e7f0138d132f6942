#include "worker/websocket_handshake.h"

#include <string>

#include <gtest/gtest.h>

namespace eradio {
namespace {

HttpRequest good_request() {
  HttpRequest request;
  request.method = "GET";
  request.path = "/v1/ws/notify";
  request.fields = {{"Host", "server.example.com"},
                    {"Upgrade", "websocket"},
                    {"Connection", "Upgrade"},
                    {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
                    {"Sec-WebSocket-Version", "13"}};
  return request;
}

int status_with(const char* name, const char* value) {
  HttpRequest request = good_request();
  request.fields.set(name, value);
  return answer_websocket_handshake(request).status;
}

TEST(WebSocketHandshake, IsAnsweredAsInTheRfc) {
  const HttpResponse response = answer_websocket_handshake(good_request());
  EXPECT_EQ(response.status, 101);
  EXPECT_EQ(response.fields.get("Upgrade"), "websocket");
  EXPECT_EQ(response.fields.get("Connection"), "Upgrade");
  EXPECT_EQ(response.fields.get("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_FALSE(response.fields.get("Sec-WebSocket-Extensions")) << "none is supported";
  EXPECT_FALSE(response.fields.get("Sec-WebSocket-Protocol"));
}

TEST(WebSocketHandshake, TakesWhatBrowsersAndProxiesSend) {
  EXPECT_EQ(status_with("Connection", "keep-alive, Upgrade"), 101);
  EXPECT_EQ(status_with("Upgrade", "WebSocket"), 101);
  EXPECT_EQ(status_with("Origin", "https://elsewhere.example"), 101);
  EXPECT_EQ(status_with("Sec-WebSocket-Extensions", "permessage-deflate"), 101);
  EXPECT_EQ(status_with("Sec-WebSocket-Protocol", "chat"), 101);
}

TEST(WebSocketHandshake, WithoutAnUpgradeIsToldThatOneIsNeeded) {
  HttpRequest request = good_request();
  request.fields.erase("Upgrade");
  const HttpResponse response = answer_websocket_handshake(request);
  EXPECT_EQ(response.status, 426);
  EXPECT_EQ(response.fields.get("Upgrade"), "websocket");
  EXPECT_NE(response.body.find("error"), std::string::npos);
  EXPECT_EQ(status_with("Upgrade", "h2c"), 426);
  request = good_request();
  request.method = "HEAD";
  EXPECT_EQ(answer_websocket_handshake(request).status, 426);
}

TEST(WebSocketHandshake, OfAnotherVersionIsToldTheRightOne) {
  for (const char* version : {"", "8", "14", "013", "13, 8"}) {
    HttpRequest request = good_request();
    request.fields.set("Sec-WebSocket-Version", version);
    const HttpResponse response = answer_websocket_handshake(request);
    EXPECT_EQ(response.status, 426) << version;
    EXPECT_EQ(response.fields.get("Sec-WebSocket-Version"), "13");
  }
}

TEST(WebSocketHandshake, ThatIsIncompleteIsRefused) {
  EXPECT_EQ(status_with("Connection", "keep-alive"), 400);
  HttpRequest request = good_request();
  request.fields.erase("Sec-WebSocket-Key");
  EXPECT_EQ(answer_websocket_handshake(request).status, 400);
  request = good_request();
  request.fields.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
  EXPECT_EQ(answer_websocket_handshake(request).status, 400) << "two keys";
  request = good_request();
  request.minor_version = 0;
  EXPECT_EQ(answer_websocket_handshake(request).status, 400) << "HTTP/1.0";
  for (const char* key :
       {"", "x", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "AAAA",
        "dGhlIHNhbXBsZSBub25jZTEyMzQ1Njc4OTA=", "!!!!!!!!!!!!!!!!!!!!!!==",
        "dGhlIHNhbXBsZSBub25jZ===", "AAAA====AAAA====AAAAAA==", "dGhl HNhbXBsZSBub25jZQ=="}) {
    EXPECT_EQ(status_with("Sec-WebSocket-Key", key), 400) << key;
  }
}

}  // namespace
}  // namespace eradio
