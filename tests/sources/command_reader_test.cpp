#include "sources/command_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "common/descriptor.h"
#include "common/system_error.h"

namespace eradio {
namespace {

struct Pipe {
  Descriptor read_end;
  Descriptor write_end;
  Pipe() {
    std::array<int, 2> ends{};
    check_syscall(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
    read_end = Descriptor(ends[0]);
    write_end = Descriptor(ends[1]);
  }
  void write(std::string_view bytes) const {
    check_syscall(::write(write_end.number(), bytes.data(), bytes.size()), "write");
  }
};

using Event = CommandReader::Event;

TEST(CommandReader, ReadsCommandsBeforeAPassedDeadlineAndIgnoresUnknownOnes) {
  const Pipe commands;
  const Pipe output;
  CommandReader reader(commands.read_end.number(), output.write_end.number());
  commands.write("\x04\x63\x02");
  ASSERT_EQ(reader.wait(0), Event::command);
  EXPECT_EQ(reader.last_command(), SourceCommand::next);
  ASSERT_EQ(reader.wait(0), Event::command);
  EXPECT_EQ(reader.last_command(), SourceCommand::pause);
  EXPECT_EQ(reader.wait(0), Event::deadline);
}

TEST(CommandReader, WaitsForTheDeadline) {
  const Pipe commands;
  const Pipe output;
  CommandReader reader(commands.read_end.number(), output.write_end.number());
  const std::int64_t deadline_ns = monotonic_ns() + 30 * ns_per_ms;
  EXPECT_EQ(reader.wait(deadline_ns), Event::deadline);
  EXPECT_GE(monotonic_ns(), deadline_ns);
}

TEST(CommandReader, GoesOnAfterTheEndOfTheCommandsButNotOfTheServer) {
  Pipe commands;
  Pipe output;
  CommandReader reader(commands.read_end.number(), output.write_end.number());
  commands.write_end.reset();
  EXPECT_EQ(reader.wait(0), Event::deadline);
  output.read_end.reset();
  EXPECT_EQ(reader.wait(std::nullopt), Event::server_gone);
}

TEST(CommandReader, IsWoken) {
  const Pipe commands;
  const Pipe output;
  const Descriptor wakeup = make_wakeup();
  CommandReader reader(commands.read_end.number(), output.write_end.number(), wakeup.number());
  wake(wakeup.number());
  EXPECT_EQ(reader.wait(std::nullopt), Event::woken);
  EXPECT_EQ(reader.wait(0), Event::deadline);
}

}  // namespace
}  // namespace eradio
