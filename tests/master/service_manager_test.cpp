#include "master/service_manager.h"

#include <gtest/gtest.h>

namespace eradio {
namespace {

TEST(ServiceStatus, SaysHowManyListenToWhat) {
  StreamMetadata metadata;
  EXPECT_EQ(service_status(metadata), "0 listeners; stopped");
  metadata.listeners = 1;
  metadata.now_playing.playing = true;
  EXPECT_EQ(service_status(metadata), "1 listener; playing");
  metadata.now_playing.track = TrackName{.uri = "file:///a.mp3", .name = ""};
  EXPECT_EQ(service_status(metadata), "1 listener; file:///a.mp3");
  metadata.listeners = 2000;
  metadata.now_playing.track->name = "Künstlerin – Titel";
  EXPECT_EQ(service_status(metadata), "2000 listeners; Künstlerin – Titel");
}

TEST(ServiceStatus, IsOneLineOfUtf8) {
  StreamMetadata metadata;
  metadata.now_playing = {.playing = true, .track = TrackName{.uri = "", .name = "a\nREADY=1\xff"}};
  EXPECT_EQ(service_status(metadata), "0 listeners; a\\x0aREADY=1\\xff");
  metadata.now_playing.track->name = std::string(5000, 'n');
  EXPECT_LT(service_status(metadata).size(), 300U);
}

}  // namespace
}  // namespace eradio
