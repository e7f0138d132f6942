#include "sources/play/playlist.h"

#include <gtest/gtest.h>

#include "sources/play/locations.h"
#include "sources/play/track_decoder.h"

namespace eradio {
namespace {

using Entries = std::vector<PlaylistEntry>;

TEST(Playlist, ReadsM3uWithTitlesCommentsAndWindowsLineEnds) {
  const Entries entries = parse_m3u(
      "\xef\xbb\xbf#EXTM3U\r\n#EXTINF:123,Somebody - Something\r\na/b.mp3\r\n\r\n# a comment\r\n"
      "#EXTINF:-1 tvg=\"x,y\",Radio\nhttp://example.org/radio\nlast.ogg");
  EXPECT_EQ(entries, (Entries{{"a/b.mp3", "Somebody - Something"},
                              {"http://example.org/radio", "Radio"},
                              {"last.ogg", ""}}));
}

TEST(Playlist, TakesBytesThatAreNotUtf8ForLatin1InTitlesOnly) {
  const Entries entries = parse_m3u("#EXTINF:1,Fl\xf6te\nFl\xf6te.mp3\n");
  EXPECT_EQ(entries, (Entries{{"Fl\xf6te.mp3", "Flöte"}}));
}

TEST(Playlist, ReadsPlsInTheOrderOfItsNumbers) {
  const Entries entries = parse_pls(
      "[playlist]\nNumberOfEntries=2\nFile10=b.mp3\nTitle10=B\nfile2=a.mp3\nLength2=-1\nTitle3="
      "x\n");
  EXPECT_EQ(entries, (Entries{{"a.mp3", ""}, {"b.mp3", "B"}}));
}

TEST(Playlist, TellsHlsFromAList) {
  EXPECT_TRUE(is_hls("#EXTM3U\n#EXT-X-VERSION:3\n"));
  EXPECT_FALSE(is_hls("#EXTM3U\n#EXTINF:1,x\nx.mp3\n"));
}

TEST(Locations, TellsUrlsFromPaths) {
  EXPECT_TRUE(is_url("http://example.org/"));
  EXPECT_TRUE(is_url("rtmp+x://h"));
  EXPECT_FALSE(is_url("/music/a.mp3"));
  EXPECT_FALSE(is_url("AC:DC - x.mp3"));
  EXPECT_FALSE(is_url("://x"));
}

TEST(Locations, WritesAndReadsFileUrls) {
  EXPECT_EQ(file_url("/music/../a b/100%#?ü.mp3"), "file:///a%20b/100%25%23%3F%C3%BC.mp3");
  EXPECT_EQ(path_of_file_url("file:///a%20b/100%25.mp3"), "/a b/100%.mp3");
  EXPECT_EQ(path_of_file_url("file://localhost/x%2"), "/x%2");
  EXPECT_FALSE(path_of_file_url("file://elsewhere/x"));
  EXPECT_FALSE(path_of_file_url("http://example.org/"));
}

TEST(Locations, MakesUtf8) {
  EXPECT_EQ(to_utf8("grün €😀"), "grün €😀");
  EXPECT_EQ(to_utf8("gr\xfcn"), "grün");
  EXPECT_EQ(to_utf8("\xed\xa0\x80"), "í\u00a0\u0080");  // a surrogate is not UTF-8
  EXPECT_EQ(to_utf8("\xe2\x82"), "â\u0082");
}

TEST(TrackName, IsWhatIsKnown) {
  EXPECT_EQ(track_name("A", "T", "P", "f.mp3"), "A – T");
  EXPECT_EQ(track_name("", "T", "P", "f.mp3"), "T");
  EXPECT_EQ(track_name("A", "", "P", "f.mp3"), "P");
  EXPECT_EQ(track_name("A", "", "", "f.mp3"), "f.mp3");
}

TEST(TrackName, OfAnInternetRadioMayHaveApostrophes) {
  EXPECT_EQ(icy_stream_title("StreamTitle='Don't - Stop';StreamUrl='';"), "Don't - Stop");
  EXPECT_EQ(icy_stream_title("StreamTitle='cut"), "cut");
  EXPECT_EQ(icy_stream_title("nothing"), "");
}

}  // namespace
}  // namespace eradio
