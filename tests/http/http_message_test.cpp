#include "common/http/http_message.h"

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace eradio {
namespace {

TEST(HttpMessage, FieldNamesCompareWithoutCaseAndTokensAreFoundInLists) {
  HttpFields fields{{"Connection", "keep-alive,  Upgrade"}, {"connection", "close"}};
  EXPECT_EQ(fields.get("CONNECTION"), "keep-alive,  Upgrade");
  EXPECT_EQ(fields.count("Connection"), 2U);
  EXPECT_TRUE(fields.has_token("Connection", "upgrade"));
  EXPECT_TRUE(fields.has_token("Connection", "CLOSE"));
  EXPECT_FALSE(fields.has_token("Connection", "up"));
  fields.set("connection", "x");
  EXPECT_EQ(fields.count("Connection"), 1U);
}

TEST(HttpMessage, QueryParametersAreDecodedAndRepetitionsKept) {
  HttpRequest request;
  request.query = *parse_query("a=1&b=%20x+y&a=1&c&d=x=y&&=z");
  EXPECT_EQ(request.parameter("a"), "1");
  EXPECT_TRUE(request.is_repeated("a")) << "even with the same value";
  EXPECT_EQ(request.parameter("b"), " x y");
  EXPECT_FALSE(request.is_repeated("b"));
  EXPECT_EQ(request.parameter("c"), "");
  EXPECT_EQ(request.parameter("d"), "x=y");
  EXPECT_EQ(request.parameter("e"), std::nullopt);
  EXPECT_EQ(parse_query("a=%"), std::nullopt);
  EXPECT_EQ(parse_query("%zz=1"), std::nullopt);
}

TEST(HttpMessage, PercentDecodingKeepsEveryByteAndRefusesHalfEscapes) {
  EXPECT_EQ(percent_decode("a%00%fF+"), std::string("a\0\xff+", 4));
  EXPECT_EQ(percent_decode("%u0041"), std::nullopt);
  EXPECT_EQ(percent_decode("%4"), std::nullopt);
}

TEST(HttpMessage, AnErrorIsJsonWhateverTheMessageHolds) {
  const auto response = HttpResponse::error(404, "no \"such\"\r\nthing \xff\xfe");
  EXPECT_EQ(response.status, 404);
  const auto body = nlohmann::json::parse(response.body);
  EXPECT_EQ(body.at("error"), "no \"such\"\r\nthing \xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(response.fields.get("Content-Type"), "application/json");
  EXPECT_EQ(response.fields.get("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(response.fields.get("Cache-Control"), "no-cache, no-store");
}

}  // namespace
}  // namespace eradio
