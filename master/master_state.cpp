#include "master/master_state.h"

#include <fcntl.h>

#include <stdexcept>

#include <nlohmann/json.hpp>

namespace eradio {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SavedUnixSocket, descriptor, path, inode)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SavedSockets, tcp_descriptors, unix_socket, names, local_url)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SavedStream, descriptor, wakeup_descriptors)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SourceCounters, bytes_read, sync_points, dependent_frames,
                                   headers, frame_bytes, tracks, stops, log_messages, broken_frames,
                                   broken_bytes)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SavedSource, process, started_ns, starts, commands_descriptor,
                                   frames_descriptor, errors_descriptor, error_line, partial_frame,
                                   frame_offset, frames, broken_frames, header_holds, said,
                                   was_playing, told_to_pause, last_frame_ns, counters, now_playing)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SavedConnections, slot, listener_id, count)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SavedProgramme, track_number, now_playing, published,
                                   connections, voters, skipped)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SavedEscrowItem, serial, record, kind, deaths, descriptor)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SpokenProtocol, version, compatible_from)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SavedWorker, process, generation, started_ns, since_ns, ready_ns,
                                   control_descriptor, protocol, listeners_descriptor, starts,
                                   crashes, escrow)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ContinuityTotals, adopted, not_adopted, notify_adopted,
                                   notify_not_adopted, requests_dropped)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FrameAgeTotals, frames, sum_ns)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ActivityTotals, accepted, refused, listeners, notifications,
                                   records_lost, sends, frame_ages)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SavedSupervisor, generations, past_totals, past_activity,
                                   workers, table_layout_version, table_records)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(MasterState, version, program_version, started_ns, upgrades,
                                   log_level, settings, max_frame, ring_size, sockets,
                                   control_socket, status_descriptor, stream,
                                   scoreboard_front_descriptor, scoreboard_descriptor, source,
                                   programme, supervisor)

std::string encode_master_state(const MasterState& state) {
  std::string bytes;
  nlohmann::json::to_cbor(nlohmann::json(state), bytes);
  return bytes;
}

MasterState decode_master_state(const std::string& bytes) {
  try {
    const auto json = nlohmann::json::from_cbor(bytes);
    const auto version = json.at("version").get<std::uint32_t>();
    if (version != master_state_version) {
      throw std::runtime_error("the running server's state has version " + std::to_string(version) +
                               ", this program reads " + std::to_string(master_state_version));
    }
    return json.get<MasterState>();
  } catch (const nlohmann::json::exception& error) {
    throw std::runtime_error(std::string("the running server's state cannot be read: ") +
                             error.what());
  }
}

std::vector<int> descriptors_of(const MasterState& state) {
  std::vector<int> all{state.sockets.unix_socket.descriptor,
                       state.control_socket.descriptor,
                       state.status_descriptor,
                       state.stream.descriptor,
                       state.scoreboard_front_descriptor,
                       state.scoreboard_descriptor,
                       state.source.commands_descriptor,
                       state.source.frames_descriptor,
                       state.source.errors_descriptor};
  for (const auto& slot : state.sockets.tcp_descriptors) {
    all.insert(all.end(), slot.begin(), slot.end());
  }
  all.insert(all.end(), state.stream.wakeup_descriptors.begin(),
             state.stream.wakeup_descriptors.end());
  for (const SavedWorker& worker : state.supervisor.workers) {
    all.push_back(worker.control_descriptor);
    all.push_back(worker.listeners_descriptor);
    for (const SavedEscrowItem& item : worker.escrow) {
      all.push_back(item.descriptor);
    }
  }
  std::erase(all, -1);
  return all;
}

Descriptor take_descriptor(int number, const char* what) {
  if (number < 0 || ::fcntl(number, F_SETFD, FD_CLOEXEC) != 0) {
    throw std::runtime_error("the running server's state names descriptor " +
                             std::to_string(number) + " as " + what + ", which is not open");
  }
  return Descriptor(number);
}

}  // namespace eradio
