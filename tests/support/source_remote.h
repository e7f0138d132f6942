// Commands a running test source: frames, tracks and stops at moments that the test chooses.
//
//   SourceRemote remote;
//   Server server({.source = remote.source("--rate 20")});
//   remote.send({remote.frame(), remote.track("Second")});  // leave the source together
#pragma once

#include <initializer_list>
#include <string>

#include "common/descriptor.h"
#include "tests/support/temporary_directory.h"

namespace eradio::testing {

class SourceRemote {
 public:
  SourceRemote();

  // The command line of a test source that obeys this remote; more of its options may be given.
  [[nodiscard]] std::string source(const std::string& options = "") const;

  // Commands, as lines; RemoteAction says what they do. A name must not have a line break in it.
  [[nodiscard]] static std::string hold();
  [[nodiscard]] static std::string go();
  [[nodiscard]] static std::string frame();
  [[nodiscard]] static std::string track(const std::string& name);
  [[nodiscard]] static std::string unknown_track();
  [[nodiscard]] static std::string stop();

  // At most PIPE_BUF bytes in all, so that they come together. Throws std::system_error.
  void send(std::initializer_list<std::string> commands) const;

 private:
  TemporaryDirectory directory_;
  std::string path_;
  Descriptor fifo_;
};

}  // namespace eradio::testing
