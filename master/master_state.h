// What a master leaves to the one that follows it in the same process (docs/continuity.md, the
// upgrade): numbers, and descriptors that stay open across execve(2). Read by another version than
// the one that wrote it, so what is in it is checked.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/descriptor.h"
#include "common/worker_protocol.h"
#include "master/status.h"

namespace eradio {

constexpr std::uint32_t master_state_version = 4;

// Members that are called `…descriptor` are numbers of open descriptors; -1: there is none.
struct SavedUnixSocket {
  int descriptor = -1;
  std::string path;
  std::uint64_t inode = 0;
};

struct SavedSockets {
  std::vector<std::vector<int>> tcp_descriptors;  // by slot; there can be more than slots
  SavedUnixSocket unix_socket;
  std::vector<std::string> names;
  std::string local_url;
};

struct SavedStream {
  int descriptor = -1;
  std::vector<int> wakeup_descriptors;  // by slot; there can be more
};

struct SavedSource {
  pid_t process = 0;  // 0: none runs
  std::int64_t started_ns = 0;
  std::uint64_t starts = 0;
  int commands_descriptor = -1;
  int frames_descriptor = -1;
  int errors_descriptor = -1;
  std::string error_line;     // the start of a line
  std::string partial_frame;  // what has come of a frame whose end has not
  std::uint64_t frame_offset = 0;
  std::uint64_t frames = 0;
  std::uint64_t broken_frames = 0;
  bool header_holds = false;
  bool said = false;  // whether it plays
  bool was_playing = false;
  bool told_to_pause = false;
  std::int64_t last_frame_ns = 0;
  SourceCounters counters;
  std::string now_playing;  // encode_now_playing()
};

struct SavedConnections {
  std::uint64_t slot = 0;
  std::uint64_t listener_id = 0;
  std::uint64_t count = 0;
};

struct SavedProgramme {
  std::uint64_t track_number = 0;
  std::string now_playing;
  std::string published;  // encode_stream_metadata()
  std::vector<SavedConnections> connections;
  std::vector<std::uint64_t> voters;
  bool skipped = false;
};

struct SavedEscrowItem {
  std::uint64_t serial = 0;
  std::uint32_t record = 0;
  std::uint32_t kind = 0;  // ClientKind
  std::uint32_t deaths = 0;
  int descriptor = -1;
};

struct SavedWorker {
  pid_t process = 0;  // 0: none has the slot
  std::uint64_t generation = 0;
  std::int64_t started_ns = 0;
  std::int64_t since_ns = 0;
  std::int64_t ready_ns = 0;
  int control_descriptor = -1;
  SpokenProtocol protocol;
  int listeners_descriptor = -1;
  std::uint64_t starts = 0;
  std::uint64_t crashes = 0;
  std::vector<SavedEscrowItem> escrow;
};

struct SavedSupervisor {
  std::uint64_t generations = 0;
  ContinuityTotals past_totals;
  ActivityTotals past_activity;
  std::vector<SavedWorker> workers;  // by slot
  std::uint32_t table_layout_version = 0;
  std::uint64_t table_records = 0;
};

struct MasterState {
  std::uint32_t version = master_state_version;
  std::string program_version;
  std::int64_t started_ns = 0;
  std::uint64_t upgrades = 0;  // before this one
  std::string log_level;
  std::map<std::string, std::string> settings;  // LoadedConfiguration::settings
  // Of settings that cannot change while the server runs.
  std::uint64_t max_frame = 0;
  std::uint64_t ring_size = 0;
  SavedSockets sockets;
  SavedUnixSocket control_socket;
  int status_descriptor = -1;  // the status server's listening socket
  SavedStream stream;
  int scoreboard_front_descriptor = -1;
  int scoreboard_descriptor = -1;
  SavedSource source;
  SavedProgramme programme;
  SavedSupervisor supervisor;
};

std::string encode_master_state(const MasterState& state);
// Throws std::runtime_error that says what is wrong. Whether it makes sense, state_check.h finds
// out.
MasterState decode_master_state(const std::string& bytes);

// All descriptors that a state names.
std::vector<int> descriptors_of(const MasterState& state);

// Takes over a descriptor that a state names: nobody else inherits it any more. Throws
// std::runtime_error that says `what` it should have been if it is not open.
Descriptor take_descriptor(int number, const char* what);

}  // namespace eradio
