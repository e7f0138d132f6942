#include "master/state_check.h"

#include <sys/eventfd.h>

#include <functional>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "shm/listener_table.h"
#include "shm/now_playing.h"
#include "shm/scoreboard.h"
#include "shm/stream_metadata.h"
#include "shm/stream_segment.h"

namespace eradio {
namespace {

template <typename Bytes>
std::string text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

MasterState good_state() {
  MasterState state;
  state.sockets.tcp_descriptors = {{10, 11}, {12, 13}};
  state.stream = {.descriptor = 14, .wakeup_descriptors = {15, 16}};
  state.scoreboard_front_descriptor = 27;
  state.scoreboard_descriptor = 17;
  state.source.process = 98;
  state.source.commands_descriptor = 18;
  state.source.frames_descriptor = 19;
  state.source.errors_descriptor = 20;
  NowPlaying now_playing;
  now_playing.playing = true;
  state.programme.now_playing = text_of(encode_now_playing(now_playing));
  state.programme.published = text_of(encode_stream_metadata({}));
  state.programme.connections = {{.slot = 1, .listener_id = 5, .count = 3}};
  state.programme.voters = {5};
  state.supervisor.workers.resize(2);
  state.supervisor.workers[0].listeners_descriptor = 21;
  SavedWorker& worker = state.supervisor.workers[1];
  worker.process = 99;
  worker.control_descriptor = 22;
  worker.protocol = own_protocol();
  worker.listeners_descriptor = 23;
  worker.escrow = {{.serial = 5, .record = 6, .kind = 2, .descriptor = 24},
                   {.serial = 6, .record = 7, .kind = 1, .descriptor = 25}};
  return state;
}

TEST(StateCheck, LetsWhatFitsTogetherPass) {
  EXPECT_NO_THROW(check_state(good_state()));
  EXPECT_NO_THROW(check_workers(good_state()));
}

TEST(StateCheck, FindsWhatNobodyCouldGoOnWith) {
  using Change = std::function<void(MasterState&)>;
  const Change changes[] = {
      [](MasterState& state) { state.supervisor.workers.clear(); },
      [](MasterState& state) { state.stream.wakeup_descriptors.pop_back(); },
      [](MasterState& state) { state.stream.wakeup_descriptors[1] = -1; },
      [](MasterState& state) { state.stream.descriptor = -1; },
      [](MasterState& state) { state.scoreboard_descriptor = 14; },
      [](MasterState& state) { state.scoreboard_front_descriptor = -1; },
      [](MasterState& state) { state.sockets.tcp_descriptors[0].clear(); },
      [](MasterState& state) { state.sockets.tcp_descriptors.pop_back(); },
      [](MasterState& state) { state.source.frames_descriptor = -1; },
      [](MasterState& state) { state.programme.now_playing = "?"; },
      [](MasterState& state) { state.programme.published.pop_back(); },
      [](MasterState& state) { state.programme.connections[0].slot = 2; },
      [](MasterState& state) { state.supervisor.workers[1].control_descriptor = -1; },
      [](MasterState& state) { state.supervisor.workers[0].listeners_descriptor = -1; },
      [](MasterState& state) { state.supervisor.workers[1].escrow[0].kind = 4; },
      [](MasterState& state) { state.supervisor.workers[1].escrow[0].serial = 0; },
      [](MasterState& state) { state.supervisor.workers[1].escrow[0].descriptor = -1; },
      [](MasterState& state) { state.supervisor.workers[1].escrow[0].record = 7; },
      [](MasterState& state) { state.supervisor.workers[1].escrow[0].descriptor = 25; }};
  int number = 0;
  for (const Change& change : changes) {
    MasterState state = good_state();
    change(state);
    EXPECT_THROW(check_state(state), std::runtime_error) << number;
    ++number;
  }
}

TEST(StateCheck, AsksEachWorkerThatRunsWhatItSpeaks) {
  MasterState state = good_state();
  state.supervisor.workers[0].protocol = {.version = 1, .compatible_from = 1};
  EXPECT_NO_THROW(check_workers(state)) << "it does not run";
  state.supervisor.workers[0].process = 97;
  try {
    check_workers(state);
    FAIL();
  } catch (const std::runtime_error& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("worker 0, which runs, speaks worker protocol 1 "), std::string::npos);
    EXPECT_NE(text.find(name_of(own_protocol())), std::string::npos) << text;
  }
}

TEST(StateCheck, LooksAtTheSharedMemory) {
  const StreamSegmentWriter stream(65536, 1000);
  const Scoreboard scoreboard(1, 10);
  const ListenerTable listeners(10);
  MasterState state;
  state.stream.descriptor = stream.descriptor();
  state.scoreboard_front_descriptor = scoreboard.front_descriptor();
  state.scoreboard_descriptor = scoreboard.descriptor();
  state.supervisor.table_layout_version = listener_table_layout_version;
  state.supervisor.table_records = listeners.records();
  state.supervisor.workers.resize(1);
  state.supervisor.workers[0].listeners_descriptor = listeners.descriptor();
  EXPECT_NO_THROW(check_shared_memory(state));
  MasterState larger = state;
  larger.supervisor.table_records = 1000;
  EXPECT_THROW(check_shared_memory(larger), std::runtime_error);
  MasterState other = state;
  other.supervisor.table_layout_version += 1;
  EXPECT_THROW(check_shared_memory(other), std::runtime_error);
  const Descriptor nothing(::eventfd(0, EFD_CLOEXEC));
  state.stream.descriptor = nothing.number();
  EXPECT_ANY_THROW(check_shared_memory(state));
}

}  // namespace
}  // namespace eradio
