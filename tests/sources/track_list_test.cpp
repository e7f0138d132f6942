#include "sources/play/track_list.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "common/descriptor.h"
#include "tests/sources/sound.h"

namespace eradio {
namespace {

class TrackList : public testing::Test {
 protected:
  std::vector<std::string> names(const std::vector<std::string>& arguments) {
    std::vector<std::string> names;
    for (const Track& track : list_tracks(arguments, log_)) {
      names.push_back(track.title.empty() ? track.fallback : track.title);
    }
    return names;
  }

  test::TestFolder folder_;
  Descriptor wakeup_ = make_wakeup();
  LogLines log_{wakeup_.number()};
};

using Names = std::vector<std::string>;

TEST_F(TrackList, WalksFoldersInOrderAndLeavesOutWhatIsNoMusic) {
  for (const char* name : {"b.mp3", "a/2.ogg", "a/1.ogg", "c.flac", "cover.JPG", ".hidden.mp3",
                           ".git/x.mp3", "list.m3u", "strange"}) {
    folder_.write(name, "x");
  }
  EXPECT_EQ(names({folder_.path()}), (Names{"1.ogg", "2.ogg", "b.mp3", "c.flac", "strange"}));
}

TEST_F(TrackList, ResolvesAPlaylistsEntriesAgainstItsFolder) {
  folder_.write("x.mp3", "x");
  folder_.write("lists/l.m3u8", "#EXTINF:1,Title\n../x.mp3\nhttp://example.org/r\nmissing.mp3\n");
  EXPECT_EQ(names({folder_.path("lists/l.m3u8")}), (Names{"Title", "http://example.org/r"}));
  const auto lines = log_.take_all();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].text.find("missing.mp3"), std::string::npos);
}

TEST_F(TrackList, TakesHlsForMediaAndUrlsAsTheyAre) {
  folder_.write("live.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n");
  const auto tracks = list_tracks({folder_.path("live.m3u8"), "http://h/l.m3u8"}, log_);
  ASSERT_EQ(tracks.size(), 2U);
  EXPECT_TRUE(tracks[0].hls);
  EXPECT_EQ(tracks[1].location, "http://h/l.m3u8");
}

TEST_F(TrackList, EndsWhereAPlaylistOrFolderLeadsBackToItself) {
  folder_.write("a.mp3", "x");
  folder_.write("loop.m3u", "loop.m3u\na.mp3\nloop.m3u\n");
  EXPECT_EQ(names({folder_.path("loop.m3u")}), (Names{"a.mp3"}));
  std::filesystem::create_directory_symlink(folder_.path(), folder_.path("self"));
  EXPECT_EQ(names({folder_.path()}), (Names{"a.mp3"}));
}

}  // namespace
}  // namespace eradio
