#include "master/master_state.h"

#include <fcntl.h>
#include <sys/eventfd.h>

#include <stdexcept>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace eradio {
namespace {

MasterState state_of_two_workers() {
  MasterState state;
  state.upgrades = 2;
  state.settings = {{"max_lag", "250 ms"}};
  state.sockets.tcp_descriptors = {{10, 11}, {12, 13}};
  state.sockets.names = {"0.0.0.0:80"};
  state.stream = {.descriptor = 14, .wakeup_descriptors = {15, 16}};
  state.scoreboard_front_descriptor = 21;
  state.scoreboard_descriptor = 17;
  state.status_descriptor = 20;
  state.source.partial_frame = std::string("\x01\xff\0ab", 5);  // no UTF-8
  state.source.frames_descriptor = 18;
  state.programme.connections = {{.slot = 1, .listener_id = UINT64_MAX / 2, .count = 3}};
  state.programme.voters = {7};
  state.supervisor.workers.resize(2);
  state.supervisor.workers[1].process = 99;
  state.supervisor.workers[1].escrow = {
      {.serial = 5, .record = 6, .kind = 2, .deaths = 1, .descriptor = 19}};
  state.supervisor.workers[1].crashes = 3;
  state.supervisor.past_totals.adopted = 8;
  state.supervisor.past_activity = {.accepted = 21, .frame_ages = {.frames = {1, 2}, .sum_ns = 3}};
  state.source.counters.broken_bytes = 22;
  return state;
}

TEST(MasterState, ComesBackAsItWas) {
  const std::string bytes = encode_master_state(state_of_two_workers());
  const MasterState back = decode_master_state(bytes);
  EXPECT_EQ(encode_master_state(back), bytes);
  EXPECT_EQ(back.source.partial_frame, std::string("\x01\xff\0ab", 5));
  EXPECT_EQ(back.programme.connections[0].listener_id, UINT64_MAX / 2);
  EXPECT_EQ(back.supervisor.workers[1].escrow[0].serial, 5U);
  EXPECT_EQ(back.supervisor.workers[1].crashes, 3U);
  EXPECT_EQ(back.supervisor.past_activity, state_of_two_workers().supervisor.past_activity);
  EXPECT_EQ(back.source.counters, state_of_two_workers().source.counters);
}

TEST(MasterState, NamesItsDescriptorsOnceEach) {
  EXPECT_EQ(descriptors_of(state_of_two_workers()),
            (std::vector{20, 14, 21, 17, 18, 10, 11, 12, 13, 15, 16, 19}));
}

TEST(MasterState, OfAnotherVersionOrCutOffIsRefused) {
  MasterState state = state_of_two_workers();
  const std::string bytes = encode_master_state(state);
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, bytes.size() / 2}) {
    EXPECT_THROW(decode_master_state(bytes.substr(0, length)), std::runtime_error) << length;
  }
  state.version = 77;
  try {
    decode_master_state(encode_master_state(state));
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("version 77"), std::string::npos) << error.what();
  }
}

TEST(MasterState, ADescriptorIsTakenForThisProcessAlone) {
  Descriptor given(::eventfd(0, 0));
  const int number = given.release();
  {
    const Descriptor taken = take_descriptor(number, "an eventfd");
    EXPECT_EQ(taken.number(), number);
    EXPECT_EQ(::fcntl(number, F_GETFD), FD_CLOEXEC);
  }
  EXPECT_THROW(take_descriptor(number, "an eventfd"), std::runtime_error) << "it was closed";
  EXPECT_THROW(take_descriptor(-1, "an eventfd"), std::runtime_error);
}

}  // namespace
}  // namespace eradio
