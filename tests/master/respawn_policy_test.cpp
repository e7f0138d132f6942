#include "master/respawn_policy.h"

#include <vector>

#include <gtest/gtest.h>

namespace eradio {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Delays = std::vector<milliseconds>;

Delays delays_after(const RespawnSettings& settings, const std::vector<milliseconds>& lifetimes) {
  RespawnPolicy policy(settings);
  Delays delays;
  for (const milliseconds lifetime : lifetimes) {
    delays.push_back(policy.on_death(lifetime));
  }
  return delays;
}

TEST(SourceRespawn, DoublesFromTheSetDelayTo30SecondsWhileItKeepsDyingYoung) {
  const milliseconds young = seconds(29);
  EXPECT_EQ(delays_after(source_respawn_settings(seconds(1)), Delays(8, young)),
            (Delays{seconds(1), seconds(2), seconds(4), seconds(8), seconds(16), seconds(30),
                    seconds(30), seconds(30)}));
}

TEST(SourceRespawn, StartsAgainWithTheSetDelayAfterALifeOf30Seconds) {
  EXPECT_EQ(delays_after(source_respawn_settings(milliseconds(200)),
                         {milliseconds(0), milliseconds(0), milliseconds(0), seconds(30),
                          milliseconds(0), seconds(500)}),
            (Delays{milliseconds(200), milliseconds(400), milliseconds(800), milliseconds(200),
                    milliseconds(400), milliseconds(200)}));
}

TEST(SourceRespawn, ADelaySetAbove30SecondsStays) {
  EXPECT_EQ(delays_after(source_respawn_settings(seconds(60)), Delays(3, seconds(0))),
            Delays(3, seconds(60)));
  EXPECT_EQ(delays_after(source_respawn_settings(seconds(20)), Delays(3, seconds(0))),
            (Delays{seconds(20), seconds(30), seconds(30)}));
}

TEST(WorkerRespawn, IsAtOnceAndThenBacksOffToFiveSeconds) {
  EXPECT_EQ(
      delays_after(worker_respawn_settings, Delays(9, milliseconds(10))),
      (Delays{milliseconds(0), milliseconds(100), milliseconds(200), milliseconds(400),
              milliseconds(800), milliseconds(1600), milliseconds(3200), seconds(5), seconds(5)}));
}

TEST(WorkerRespawn, IsAtOnceAgainForOneThatServedForAWhile) {
  EXPECT_EQ(delays_after(worker_respawn_settings,
                         {milliseconds(10), milliseconds(10), seconds(6), milliseconds(10)}),
            (Delays{milliseconds(0), milliseconds(100), milliseconds(0), milliseconds(100)}));
}

}  // namespace
}  // namespace eradio
