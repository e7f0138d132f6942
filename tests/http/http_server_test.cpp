#include "common/http/http_server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/http/http_date.h"
#include "common/version.h"

namespace eradio {
namespace {

// An answer taken apart again; names in lower case.
struct Parsed {
  std::string status_line;
  int status = 0;
  std::multimap<std::string, std::string> fields;
  std::string body;

  [[nodiscard]] std::string field(const std::string& name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? "(none)" : found->second;
  }
};

Parsed parse(const std::string& bytes) {
  Parsed parsed;
  const auto head_end = bytes.find("\r\n\r\n");
  EXPECT_NE(head_end, std::string::npos) << bytes;
  std::istringstream head(bytes.substr(0, head_end + 2));
  std::getline(head, parsed.status_line, '\r');
  parsed.status = std::stoi(parsed.status_line.substr(9));
  for (std::string line; std::getline(head.ignore(), line, '\r');) {
    const auto colon = line.find(": ");
    EXPECT_NE(colon, std::string::npos) << line;
    std::string name = line.substr(0, colon);
    for (char& c : name) {
      c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    parsed.fields.emplace(std::move(name), line.substr(colon + 2));
  }
  parsed.body = bytes.substr(head_end + 4);
  return parsed;
}

std::string read_slice(const FileSlice& slice) {
  std::string text(slice.length, '\0');
  if (slice.length == 0) {
    EXPECT_FALSE(slice.file) << "an open file that nothing will be read from";
    return text;
  }
  const ssize_t got =
      ::pread(slice.file.number(), text.data(), text.size(), static_cast<off_t>(slice.offset));
  EXPECT_EQ(got, static_cast<ssize_t>(text.size()));
  return text;
}

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    std::filesystem::create_directories(root_ / "sub");
    write("index.html", "<p>start</p>");
    write("sub/index.html", "<p>sub</p>");
    write("page.js", "0123456789");
    write("empty.txt", "");
    write(".hidden", "secret");
    write("../outside.txt", "outside");
    server_.serve_files(root_);
    server_.route("GET", "/v1/metadata", [](const HttpRequest& request) {
      last_request = request;
      return HttpResponse::json("{\"a\":1}");
    });
    server_.route("PUT", "/v1/veto", [](const HttpRequest& request) {
      last_request = request;
      return HttpResponse::json("{}");
    });
    server_.route("GET", "/throws", [](const HttpRequest&) -> HttpResponse {
      throw std::runtime_error("secret\r\nX-Injected: 1");
    });
    server_.route("GET", "/throws-int", [](const HttpRequest&) -> HttpResponse { throw 42; });
    server_.route("GET", "/bare-error", [](const HttpRequest&) {
      HttpResponse response;
      response.status = 503;
      response.fields.set("Retry-After", "5");
      return response;
    });
    server_.route("GET", "/injects", [](const HttpRequest& request) {
      HttpResponse response;
      response.fields.add("X-Echo", std::string(request.parameter("x").value_or("")));
      return response;
    });
    server_.route("GET", "/stream.mp3", [](const HttpRequest&) {
      HttpResponse response;
      response.fields.set("Content-Type", "audio/mpeg");
      response.take_over = [](TakenOver) {};
      return response;
    });
    server_.route("GET", "/ws", [](const HttpRequest&) {
      HttpResponse response;
      response.status = 101;
      response.fields.set("Upgrade", "websocket");
      response.fields.set("Connection", "Upgrade");
      response.take_over = [](TakenOver) {};
      return response;
    });
  }
  ~HttpServerTest() override { std::filesystem::remove_all(base_); }

  void write(const std::string& name, std::string_view text) const {
    std::ofstream(root_ / name, std::ios::binary) << text;
  }

  HttpAnswer answer(const std::string& bytes) {
    RequestReader reader;
    reader.append(bytes);
    const auto progress = reader.read();
    EXPECT_NE(progress, ReadProgress::incomplete) << bytes;
    return progress == ReadProgress::complete ? server_.answer(reader.take_request(), PeerAddress())
                                              : server_.refuse(reader.error());
  }
  // The head as it goes out, and the body wherever it comes from.
  Parsed ask(const std::string& request_line, const std::string& fields = "") {
    auto got = answer(request_line + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n");
    auto parsed = parse(got.bytes);
    EXPECT_EQ(parsed.status, got.status);
    parsed.body += read_slice(got.file);
    if (parsed.fields.count("content-length") == 1 && !request_line.starts_with("HEAD")) {
      EXPECT_EQ(parsed.field("content-length"), std::to_string(parsed.body.size()));
    }
    EXPECT_EQ(parsed.fields.count("keep-alive"), 0U);
    EXPECT_EQ(parsed.field("server"), "eradio/" ERADIO_VERSION);
    EXPECT_TRUE(parse_http_date(parsed.field("date")));
    EXPECT_EQ(parsed.field("x-content-type-options"), "nosniff");
    EXPECT_LE(parsed.fields.count("connection"), 1U);
    EXPECT_LE(parsed.fields.count("content-length"), 1U);
    return parsed;
  }
  void expect_error(const Parsed& got, int status, const std::string& what) {
    EXPECT_EQ(got.status, status) << what;
    EXPECT_EQ(got.field("content-type"), "application/json") << what;
    EXPECT_EQ(got.field("access-control-allow-origin"), "*") << what;
    EXPECT_EQ(got.field("cache-control"), "no-cache, no-store") << what;
    const auto body = nlohmann::json::parse(got.body, nullptr, false);
    ASSERT_TRUE(body.is_object()) << what << got.body;
    EXPECT_FALSE(body.at("error").get<std::string>().empty()) << what;
  }

  static inline HttpRequest last_request;
  std::filesystem::path base_ = std::filesystem::path(testing::TempDir()) /
                                ("http_server_test." + std::to_string(::getpid()));
  std::filesystem::path root_ = base_ / "htdocs";
  HttpServer server_;
};

TEST_F(HttpServerTest, ARouteIsAnsweredByItsHandler) {
  const auto got = ask("GET /v1/metadata?listener_id=7&x=a+b", "X-Header: %41\r\n");
  EXPECT_EQ(got.status_line, "HTTP/1.1 200 OK");
  EXPECT_EQ(got.body, "{\"a\":1}");
  EXPECT_EQ(got.field("content-type"), "application/json");
  EXPECT_EQ(got.field("pragma"), "no-cache");
  EXPECT_EQ(got.field("connection"), "(none)");
  EXPECT_EQ(last_request.path, "/v1/metadata");
  EXPECT_EQ(last_request.parameter("listener_id"), "7");
  EXPECT_EQ(last_request.fields.get("x-header"), "%41") << "field values are not decoded";
}

TEST_F(HttpServerTest, QueryParametersAreDecodedWhateverTheyHold) {
  EXPECT_EQ(ask("GET /v1/metadata?a=1&b=%20x+y&c&d=x=y?z&&=z&a=2&e=%3D%26").status, 200);
  EXPECT_EQ(last_request.parameter("a"), "1");
  EXPECT_TRUE(last_request.is_repeated("a"));
  EXPECT_EQ(last_request.parameter("b"), " x y");
  EXPECT_EQ(last_request.parameter("c"), "");
  EXPECT_EQ(last_request.parameter("d"), "x=y?z");
  EXPECT_FALSE(last_request.is_repeated("d"));
  EXPECT_EQ(last_request.parameter("e"), "=&");
  EXPECT_EQ(last_request.parameter("f"), std::nullopt);
}

TEST_F(HttpServerTest, ATargetTooLongForTheEngineIsRefusedWithAReason) {
  const auto got = ask("GET /v1/metadata?" + std::string(7900, '='));
  EXPECT_EQ(got.status, 414);
  EXPECT_NE(got.body.find("too long"), std::string::npos);
  EXPECT_EQ(ask("GET /v1/metadata?" + std::string(7900, 'x')).status, 200) << "and it goes on";
}

TEST_F(HttpServerTest, AnEncodedPathIsTheSameRoute) {
  EXPECT_EQ(ask("GET /v1/%6Detadata").status, 200);
  EXPECT_EQ(ask("GET /v1/metadata/").status, 404);
  EXPECT_EQ(ask("GET /V1/metadata").status, 404);
}

TEST_F(HttpServerTest, HeadHasTheHeadOfGetAndNoBody) {
  for (const std::string target : {"/v1/metadata", "/page.js", "/", "/nowhere"}) {
    auto get = ask("GET " + target);
    auto head = ask("HEAD " + target);
    EXPECT_EQ(head.body, "") << target;
    get.fields.erase("date");
    head.fields.erase("date");
    EXPECT_EQ(head.fields, get.fields) << target;
    EXPECT_EQ(head.status, get.status) << target;
  }
}

TEST_F(HttpServerTest, TheBodyOfARequestReachesTheHandler) {
  EXPECT_EQ(ask("PUT /v1/veto?listener_id=1", "Content-Length: 0\r\n").status, 200);
  const auto got =
      parse(answer("PUT /v1/veto HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Type: "
                   "multipart/form-data; boundary=x\r\nContent-Length: 3\r\n\r\nabc")
                .bytes);
  EXPECT_EQ(got.status, 200) << "encodings and forms are nobody's business here";
  EXPECT_EQ(last_request.body, "abc");
}

TEST_F(HttpServerTest, AWrongMethodOnAKnownPathIsAnsweredWithAllow) {
  auto got = ask("DELETE /v1/metadata");
  expect_error(got, 405, "route");
  EXPECT_EQ(got.field("allow"), "GET, HEAD, OPTIONS");
  got = ask("GET /v1/veto");
  expect_error(got, 405, "route without GET");
  EXPECT_EQ(got.field("allow"), "PUT, OPTIONS");
  got = ask("BREW /v1/veto");
  expect_error(got, 405, "method that nobody knows");
  got = ask("POST /page.js");
  expect_error(got, 405, "file");
  EXPECT_EQ(got.field("allow"), "GET, HEAD, OPTIONS");
  expect_error(ask("POST /nowhere"), 404, "unknown path");
  expect_error(ask("BREW /nowhere"), 501, "unknown method and path");
}

TEST_F(HttpServerTest, KeptToItsOwnOriginItIsClosedToOthers) {
  server_.keep_to_own_origin(
      [](std::string_view host) { return host == "own" || host == "[::1]"; });
  const auto at = [&](const std::string& target, const std::string& host) {
    return parse(answer("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n").bytes);
  };
  for (const char* target : {"/v1/metadata", "/page.js", "/bare-error", "/nowhere"}) {
    const auto got = at(target, "own");
    EXPECT_NE(got.status, 421) << target;
    EXPECT_EQ(got.field("access-control-allow-origin"), "(none)") << target;
    EXPECT_EQ(got.field("access-control-expose-headers"), "(none)") << target;
    EXPECT_EQ(got.field("cross-origin-resource-policy"), "same-origin") << target;
    EXPECT_EQ(at(target, "elsewhere.example").status, 421) << target;
  }
  EXPECT_EQ(at("/v1/metadata", "own:8081").status, 200);
  EXPECT_EQ(at("/v1/metadata", "[::1]").status, 200);
  EXPECT_EQ(at("/v1/metadata", "[::1]:8081").status, 200);
  EXPECT_EQ(at("/v1/metadata", "elsewhere.example:8081").status, 421);
  EXPECT_EQ(parse(answer("GET /v1/metadata HTTP/1.0\r\n\r\n").bytes).status, 200);
  const auto got = parse(answer("OPTIONS /v1/metadata HTTP/1.1\r\nHost: own\r\n\r\n").bytes);
  EXPECT_EQ(got.status, 405);
  EXPECT_EQ(got.field("allow"), "GET, HEAD");
}

TEST_F(HttpServerTest, OptionsTellsAnotherOriginWhatIsAllowed) {
  for (const auto& [target, allow] :
       std::map<std::string, std::string>{{"/v1/veto", "PUT, OPTIONS"},
                                          {"/v1/metadata", "GET, HEAD, OPTIONS"},
                                          {"/page.js", "GET, HEAD, OPTIONS"},
                                          {"/nowhere", "GET, HEAD, PUT, OPTIONS"},
                                          {"*", "GET, HEAD, PUT, OPTIONS"}}) {
    const auto got = ask("OPTIONS " + target, "Origin: http://elsewhere\r\n");
    EXPECT_EQ(got.status, 204) << target;
    EXPECT_EQ(got.field("allow"), allow) << target;
    EXPECT_EQ(got.field("access-control-allow-methods"), allow) << target;
    EXPECT_EQ(got.field("access-control-allow-origin"), "*");
    EXPECT_EQ(got.field("access-control-allow-headers"), "Content-Type, Range");
    EXPECT_EQ(got.field("access-control-max-age"), "86400");
    EXPECT_EQ(got.field("content-length"), "(none)") << "RFC 9110, 8.6";
  }
}

TEST_F(HttpServerTest, EveryErrorIsJsonAndOpenToAllOrigins) {
  expect_error(ask("GET /v1/nothing"), 404, "unknown path");
  expect_error(ask("GET /throws"), 500, "exception");
  expect_error(ask("GET /throws-int"), 500, "exception of no known type");
  const auto bare = ask("GET /bare-error");
  expect_error(bare, 503, "a handler that gives no reason");
  EXPECT_EQ(bare.field("retry-after"), "5");
  expect_error(ask("GET /%00"), 400, "NUL");
  expect_error(parse(answer("GET / HTTP/1.1\r\n\r\n").bytes), 400, "refused by the reader");
  expect_error(parse(answer("GET / HTTP/3.0\r\n\r\n").bytes), 505, "version");
  expect_error(ask("GET /page.js", "Range: bytes=10-\r\n"), 416, "range");
}

TEST_F(HttpServerTest, AnErrorNamesThePathWithoutTrustingIt) {
  auto got = ask("GET /no%22%0d%0aSet-Cookie:%20a%ff");
  expect_error(got, 404, "hostile path");
  EXPECT_EQ(nlohmann::json::parse(got.body).at("error"),
            "there is nothing at /no\"\r\nSet-Cookie: a\xEF\xBF\xBD");
  EXPECT_EQ(got.fields.count("set-cookie"), 0U);
}

TEST_F(HttpServerTest, AnExceptionsTextStaysInTheLog) {
  const auto got = answer("GET /throws HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(got.bytes.find("secret"), std::string::npos);
  EXPECT_EQ(got.bytes.find("Injected"), std::string::npos);
  EXPECT_TRUE(got.keep_alive);
}

TEST_F(HttpServerTest, ALineBreakNeverGetsIntoAHeader) {
  const auto got = ask("GET /injects?x=1%0d%0aSet-Cookie:%20a");
  EXPECT_EQ(got.fields.count("set-cookie"), 0U);
  EXPECT_EQ(got.field("x-echo"), "(none)");
  EXPECT_EQ(ask("GET /injects?x=%250d%250a").field("x-echo"), "%0d%0a");
}

TEST_F(HttpServerTest, ConnectionIsKeptOrClosedAsTheVersionSays) {
  const auto get = [&](const std::string& version, const std::string& fields) {
    const auto got =
        answer("GET /v1/metadata HTTP/" + version + "\r\nHost: x\r\n" + fields + "\r\n");
    return std::pair(got.keep_alive, parse(got.bytes).field("connection"));
  };
  EXPECT_EQ(get("1.1", ""), std::pair(true, std::string("(none)")));
  EXPECT_EQ(get("1.1", "Connection: foo, Close\r\n"), std::pair(false, std::string("close")));
  EXPECT_EQ(get("1.0", ""), std::pair(false, std::string("close")));
  EXPECT_EQ(get("1.0", "Connection: Keep-Alive\r\n"), std::pair(true, std::string("keep-alive")));
}

TEST_F(HttpServerTest, ARefusalClosesTheConnection) {
  const auto got = answer("rubbish\r\n\r\n");
  EXPECT_FALSE(got.keep_alive);
  EXPECT_EQ(parse(got.bytes).field("connection"), "close");
}

TEST_F(HttpServerTest, AStreamHasAHeadWithoutLengthAndLeavesHttp) {
  for (const std::string range : {"", "Range: bytes=0-\r\n", "Range: bytes=5-6\r\n"}) {
    const auto got = answer("GET /stream.mp3 HTTP/1.1\r\nHost: x\r\n" + range + "\r\n");
    EXPECT_TRUE(got.take_over);
    EXPECT_FALSE(got.keep_alive);
    const auto parsed = parse(got.bytes);
    EXPECT_EQ(parsed.status, 200);
    EXPECT_EQ(parsed.field("connection"), "close");
    EXPECT_EQ(parsed.field("content-type"), "audio/mpeg");
    for (const char* const absent :
         {"content-length", "accept-ranges", "content-range", "keep-alive", "transfer-encoding"}) {
      EXPECT_EQ(parsed.fields.count(absent), 0U) << absent;
    }
    EXPECT_EQ(parsed.body, "");

    const auto head = answer("HEAD /stream.mp3 HTTP/1.1\r\nHost: x\r\n" + range + "\r\n");
    EXPECT_FALSE(head.take_over);
    EXPECT_FALSE(head.keep_alive);
    auto head_fields = parse(head.bytes).fields;
    auto get_fields = parsed.fields;
    head_fields.erase("date");
    get_fields.erase("date");
    EXPECT_EQ(head_fields, get_fields);
  }
}

TEST_F(HttpServerTest, AnUpgradeKeepsItsOwnConnectionField) {
  const auto got = answer("GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n");
  const auto parsed = parse(got.bytes);
  EXPECT_EQ(parsed.status, 101);
  EXPECT_EQ(parsed.field("connection"), "Upgrade");
  EXPECT_EQ(parsed.field("upgrade"), "websocket");
  EXPECT_EQ(parsed.fields.count("content-length"), 0U);
  EXPECT_TRUE(got.take_over);
}

TEST_F(HttpServerTest, FilesAreServedWithTheirType) {
  auto got = ask("GET /");
  EXPECT_EQ(got.body, "<p>start</p>");
  EXPECT_EQ(got.field("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(got.field("cache-control"), "no-cache");
  EXPECT_EQ(got.field("accept-ranges"), "bytes");
  EXPECT_EQ(ask("GET /sub/").body, "<p>sub</p>");
  EXPECT_EQ(ask("GET /page.js").field("content-type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(ask("GET /%70age.js?v=1").body, "0123456789");
  EXPECT_EQ(ask("GET http://x/page.js").body, "0123456789");
  got = ask("GET /empty.txt");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.field("content-length"), "0");
}

TEST_F(HttpServerTest, NothingIsEverCompressed) {
  write("large.txt", std::string(100'000, 'x'));
  const auto got = ask("GET /large.txt", "Accept-Encoding: br, gzip\r\n");
  EXPECT_EQ(got.body.size(), 100'000U);
  EXPECT_EQ(got.fields.count("content-encoding"), 0U);
}

TEST_F(HttpServerTest, ADirectoryWithoutItsSlashIsRedirected) {
  const auto got = ask("GET /sub?x=1");
  EXPECT_EQ(got.status, 301);
  EXPECT_EQ(got.field("location"), "/sub/?x=1");
  EXPECT_EQ(ask("GET //sub").status, 404) << "or the redirect would lead to another host";
}

TEST_F(HttpServerTest, NoPathLeadsOutOfTheWebroot) {
  std::filesystem::create_symlink("../outside.txt", root_ / "link_out");
  std::filesystem::create_symlink("..", root_ / "directory_out");
  std::filesystem::create_symlink("loop", root_ / "loop");
  std::filesystem::create_symlink("page.js", root_ / "link_in");
  EXPECT_EQ(ask("GET /link_in").body, "0123456789");
  for (const char* const target :
       {"/../outside.txt", "/%2e%2e/outside.txt", "/..%2foutside.txt", "/%2e%2e%2Foutside.txt",
        "/sub/../../outside.txt", "/sub/../page.js", "/sub/..", "/page.js%00.html"}) {
    expect_error(ask(std::string("GET ") + target), 400, target);
  }
  for (const char* const target :
       {"/link_out", "/directory_out/outside.txt", "/directory_out", "/directory_out/", "/loop",
        "/.hidden", "/./page.js", "/.", "/%2ehidden", "//etc/passwd", "//page.js",
        "/sub//index.html", "/page.js/", "/page.js/x", "/..\\outside.txt", "/%5c..%5coutside.txt",
        "/%252e%252e/outside.txt"}) {
    expect_error(ask(std::string("GET ") + target), 404, target);
  }
  expect_error(ask("GET /" + std::string(3000, 'x')), 404, "a name that is too long");
}

TEST_F(HttpServerTest, OnlyRegularReadableFilesAreOpened) {
  ASSERT_EQ(::mkfifo((root_ / "pipe").c_str(), 0666), 0);
  std::filesystem::create_symlink("/dev/zero", root_ / "device");
  expect_error(ask("GET /pipe"), 404, "pipe");
  expect_error(ask("GET /device"), 404, "device");
  if (::geteuid() != 0) {
    write("private", "x");
    std::filesystem::permissions(root_ / "private", std::filesystem::perms::none);
    expect_error(ask("GET /private"), 404, "unreadable");
  }
  std::filesystem::create_directory(root_ / "without_index");
  expect_error(ask("GET /without_index/"), 404, "no listing");
}

TEST_F(HttpServerTest, ASingleRangeIsServed) {
  auto got = ask("GET /page.js", "Range: bytes=2-4\r\n");
  EXPECT_EQ(got.status, 206);
  EXPECT_EQ(got.body, "234");
  EXPECT_EQ(got.field("content-range"), "bytes 2-4/10");
  got = ask("GET /page.js", "Range: bytes=-3\r\n");
  EXPECT_EQ(got.body, "789");
  got = ask("GET /page.js", "Range: bytes=5-100\r\n");
  EXPECT_EQ(got.body, "56789");
  EXPECT_EQ(got.field("content-range"), "bytes 5-9/10");
  got = ask("GET /page.js", "Range: bytes=10-\r\n");
  EXPECT_EQ(got.status, 416);
  EXPECT_EQ(got.field("content-range"), "bytes */10");
}

TEST_F(HttpServerTest, HostileRangesAreIgnored) {
  std::string many = "Range: bytes=0-";
  for (int i = 0; i < 2000; ++i) {
    many += ",0-";
  }
  for (const std::string& range :
       {many + "\r\n", std::string("Range: bytes=0-99999999999999999999999\r\n"),
        "Range: bytes=" + std::string(8000, '1') + "-\r\n", std::string("Range: bytes=5-1\r\n"),
        std::string("Range: bytes=0-0\r\nRange: bytes=1-1\r\n")}) {
    const auto got = ask("GET /page.js", range);
    EXPECT_EQ(got.status, 200) << range;
    EXPECT_EQ(got.body, "0123456789");
  }
}

TEST_F(HttpServerTest, AnUnchangedFileIsNotSentAgain) {
  const auto first = ask("GET /page.js");
  const std::string etag = first.field("etag");
  const std::string modified = first.field("last-modified");
  for (const std::string& condition :
       {"If-None-Match: " + etag, "If-None-Match: \"x\", W/" + etag,
        std::string("If-None-Match: *"), "If-Modified-Since: " + modified}) {
    const auto got = ask("GET /page.js", condition + "\r\n");
    EXPECT_EQ(got.status, 304) << condition;
    EXPECT_EQ(got.body, "");
    EXPECT_EQ(got.field("etag"), etag);
    EXPECT_EQ(got.fields.count("content-length"), 0U);
  }
  for (const std::string& condition :
       {std::string("If-None-Match: \"x\""),
        "If-None-Match: \"x\"\r\nIf-Modified-Since: " + modified,
        std::string("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT"),
        std::string("If-Modified-Since: rubbish")}) {
    EXPECT_EQ(ask("GET /page.js", condition + "\r\n").status, 200) << condition;
  }
  EXPECT_EQ(ask("GET /page.js", "If-Match: \"x\"\r\n").status, 412);
  EXPECT_EQ(ask("GET /page.js", "If-Match: " + etag + "\r\n").status, 200);
  EXPECT_EQ(ask("GET /page.js", "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n").status,
            412);
}

TEST_F(HttpServerTest, ARangeOfAnotherStateOfTheFileIsNotServed) {
  const std::string etag = ask("GET /page.js").field("etag");
  EXPECT_EQ(ask("GET /page.js", "Range: bytes=1-1\r\nIf-Range: " + etag + "\r\n").status, 206);
  EXPECT_EQ(ask("GET /page.js", "Range: bytes=1-1\r\nIf-Range: \"x\"\r\n").status, 200);
}

TEST_F(HttpServerTest, AWebrootThatIsNoDirectoryIsAnError) {
  HttpServer server;
  EXPECT_THROW(server.serve_files(root_ / "nowhere"), std::system_error);
  EXPECT_THROW(server.serve_files(root_ / "page.js"), std::system_error);
}

TEST(HttpServerWithoutFiles, KnowsItsRoutesOnly) {
  HttpServer server;
  RequestReader reader;
  reader.append("GET / HTTP/1.0\r\n\r\n");
  ASSERT_EQ(reader.read(), ReadProgress::complete);
  EXPECT_EQ(server.answer(reader.take_request(), PeerAddress()).status, 404);
}

TEST(StaticFileTypes, FollowTheExtensionWithoutCase) {
  for (const auto& [name, type] :
       std::map<std::string, std::string>{{"a.js", "text/javascript; charset=utf-8"},
                                          {"a.MJS", "text/javascript; charset=utf-8"},
                                          {"a.css", "text/css; charset=utf-8"},
                                          {"a.svg", "image/svg+xml"},
                                          {"a.wasm", "application/wasm"},
                                          {"a.webmanifest", "application/manifest+json"},
                                          {"a.js.map", "application/json"},
                                          {"a.yaml", "application/yaml"},
                                          {"a.woff2", "font/woff2"},
                                          {"a", "application/octet-stream"},
                                          {"a.unknown", "application/octet-stream"}}) {
    EXPECT_EQ(content_type_of(name), type) << name;
  }
}

}  // namespace
}  // namespace eradio
