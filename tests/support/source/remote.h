// What a test tells the test source while it runs, through a FIFO: one command a line. All that is
// there at once is obeyed at once, so that a frame and a new track leave in one write of the pipe.
// Written by SourceRemote (tests/support/source_remote.h), read by the source.
#pragma once

#include <string>
#include <vector>

#include "common/descriptor.h"

namespace eradio::testing {

// Each stands for the first character of its line; what follows it is the text.
enum class RemoteAction : char {
  hold = 'h',           // no more frames of its own
  go = 'g',             // frames of its own again
  frame = 'f',          // one frame, now
  track = 't',          // a new track of this name; its URI is "test:" and the name
  unknown_track = 'u',  // a new track that nobody knows the name of
  stop = 's',           // the stream stops, until the next track
};

struct RemoteCommand {
  RemoteAction action = RemoteAction::hold;
  std::string text;
};

class RemoteCommands {
 public:
  // No path: there are never any commands.
  explicit RemoteCommands(const std::string& path);

  [[nodiscard]] int descriptor() const noexcept { return fifo_.number(); }  // -1 without a path
  // The whole lines that have come.
  std::vector<RemoteCommand> read();

 private:
  Descriptor fifo_;
  std::string begun_;  // a line whose end has not come yet
};

}  // namespace eradio::testing
