#include "eradioctl/tables.h"

#include <gtest/gtest.h>

namespace eradio {
namespace {

using Json = nlohmann::ordered_json;

TEST(Tables, StandInColumnsWithNumbersOnTheRight) {
  EXPECT_EQ(aligned({{"id", "address", "n"}, {"7", "127.0.0.1", "1"}, {"1234", "::1", "20"}}),
            "  id  address     n\n"
            "   7  127.0.0.1   1\n"
            "1234  ::1        20\n");
  EXPECT_EQ(aligned({{"alone", "here"}}), "alone  here\n");
}

TEST(Tables, SayTimesInTwoUnitsAtMost) {
  EXPECT_EQ(duration_text(0), "0 s");
  EXPECT_EQ(duration_text(59), "59 s");
  EXPECT_EQ(duration_text(3599), "59 min");
  EXPECT_EQ(duration_text(10'861), "3 h 1 min");
  EXPECT_EQ(duration_text(180'000), "2 d 2 h");
}

TEST(Tables, LetNoTrackTouchTheTerminal) {
  const Json status = Json::parse(R"({"version":"1","pid":5,"uptime_s":60,"log_level":"info",
    "source":{"running":true,"pid":6,"restarts":1,"playing":true},
    "metadata":{"current_track":{"uri":"","name":"a\u001b[2Jb"},"listener_count":1,"veto_count":2},
    "totals":{"listeners":1,"frames_sent":1,"frames_skipped":0,"jumps":1},"workers":[],
    "escrow":{"on":true,"held":0,"max":100,"clients_not_held":1}})");
  const std::string text = status_text(status);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find("playing a\\x1b[2Jb, 1 restart\n"), std::string::npos) << text;
  EXPECT_NE(text.find("1 connection (1 id, 2 votes); 1 frame sent, 0 skipped in 1 jump\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("escrow: 1 clients would not outlive their worker: the master can hold 100"),
            std::string::npos)
      << text;
}

// The package's scripts ask a server of another version, too.
TEST(Tables, HaveADashForWhatAServerOfAnotherVersionDoesNotSay) {
  EXPECT_NE(status_text(Json::parse("{}")).find("eradio -: process -, up -"), std::string::npos);
  EXPECT_NE(status_text(Json::parse(R"({"version":7,"source":[],"workers":[{}],"totals":"x"})"))
                .find("eradio 7: process -"),
            std::string::npos);
  EXPECT_NE(listeners_text(Json::parse("[{}]")).find("-"), std::string::npos);
}

TEST(Tables, SayWhyListenersDoNotGetWhatTheyComeFor) {
  EXPECT_EQ(status_text({{"ready", true}, {"reasons", Json::array()}}).find("not ready"),
            std::string::npos);
  const Json status{{"ready", false}, {"reasons", {"no worker serves", "the source is \x1b"}}};
  const std::string text = status_text(status);
  EXPECT_NE(text.find("\nnot ready: no worker serves; the source is \\x1b\n"), std::string::npos)
      << text;
}

TEST(Tables, SayWhatHasBecomeOfAnUpgrade) {
  Json status{{"replacing_workers", true}, {"upgrade_error", nullptr}};
  EXPECT_NE(status_text(status).find("\nworkers: are being replaced"), std::string::npos);
  status = {{"replacing_workers", false}, {"upgrade_error", "worker 0 is \x1b"}};
  const std::string text = status_text(status);
  EXPECT_EQ(text.find("being replaced"), std::string::npos);
  EXPECT_NE(text.find("\nupgrade: the last one did not come to its end: worker 0 is \\x1b\n"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace eradio
