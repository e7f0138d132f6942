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

TEST(HttpMessage, AParameterWithSeveralValuesIsSeen) {
  HttpRequest request;
  request.query = {{"a", "1"}, {"b", "x"}, {"a", "2"}};
  EXPECT_EQ(request.parameter("a"), "1");
  EXPECT_TRUE(request.is_repeated("a"));
  EXPECT_EQ(request.parameter("b"), "x");
  EXPECT_FALSE(request.is_repeated("b"));
  EXPECT_EQ(request.parameter("c"), std::nullopt);
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
