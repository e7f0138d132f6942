#include "master/metrics.h"

#include <iterator>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>

#include "common/clock.h"
#include "common/version.h"
#include "master/readiness.h"

namespace eradio {
namespace {

// Writes the text format: each metric once, with its help and its type, and then its samples. What
// is written is ours (names, help and labels), so nothing needs to be escaped.
class Exposition {
 public:
  void begin(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    fmt::format_to(end(), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  // `suffix`: of a histogram's samples. `labels`: name="value", separated by commas.
  template <typename Number>
  void sample(std::string_view labels, Number value, std::string_view suffix = "") {
    static_assert(std::is_arithmetic_v<Number> && !std::is_same_v<Number, bool>);
    if (labels.empty()) {
      fmt::format_to(end(), "{}{} {}\n", name_, suffix, value);
    } else {
      fmt::format_to(end(), "{}{}{{{}}} {}\n", name_, suffix, labels, value);
    }
  }
  template <typename Number>
  void counter(std::string_view name, std::string_view help, Number value) {
    begin(name, "counter", help);
    sample("", value);
  }
  template <typename Number>
  void gauge(std::string_view name, std::string_view help, Number value) {
    begin(name, "gauge", help);
    sample("", value);
  }

  std::string take() { return std::move(text_); }

 private:
  std::back_insert_iterator<std::string> end() { return std::back_inserter(text_); }

  std::string text_;
  std::string_view name_;
};

double seconds_of(std::int64_t ns) {
  return static_cast<double>(ns) / static_cast<double>(ns_per_second);
}

std::string worker_label(const WorkerStatus& worker) {
  return fmt::format(R"(worker="{}")", worker.process.slot);
}

void write_server(Exposition& out, const ServerStatus& status) {
  out.begin("eradio_build_info", "gauge", "The version that runs; always 1.");
  out.sample("version=\"" ERADIO_VERSION "\"", 1);
  out.gauge("process_start_time_seconds", "When the server was started, in seconds since 1970.",
            status.started_unix_s);
  out.counter("process_cpu_seconds_total", "Processor time of the master process.",
              status.usage.user_s + status.usage.system_s);
  out.gauge("process_resident_memory_bytes", "Resident memory of the master process.",
            status.usage.memory_bytes);
  out.gauge("process_max_fds", "Descriptors that the master process may have open.",
            status.descriptors_max);
  out.counter("eradio_upgrades_total", "Upgrades of the program while it ran.", status.upgrades);
  out.gauge("eradio_ready", "Whether GET /readyz answers 200.",
            reasons_not_ready(status).empty() ? 1 : 0);
  out.gauge("eradio_replacing_workers", "Whether workers are being replaced, one after another.",
            status.replacing_workers ? 1 : 0);
}

void write_workers(Exposition& out, const ServerStatus& status) {
  const auto each = [&](std::string_view name, std::string_view type, std::string_view help,
                        auto value) {
    out.begin(name, type, help);
    for (const WorkerStatus& worker : status.workers) {
      out.sample(worker_label(worker), value(worker));
    }
  };
  using W = const WorkerStatus&;
  each("eradio_worker_up", "gauge", "Whether the worker serves.",
       [](W worker) { return worker.process.process > 0 && worker.process.ready ? 1 : 0; });
  each("eradio_worker_restarts_total", "counter", "How often the worker was replaced.",
       [](W worker) { return worker.process.restarts; });
  each("eradio_worker_crashes_total", "counter",
       "How often it died, or was killed since it hung, without being asked to end.",
       [](W worker) { return worker.process.crashes; });
  each("eradio_connections", "gauge", "Open connections of clients, listeners included.",
       [](W worker) { return worker.connections; });
  each("eradio_listeners", "gauge", "Listeners: open connections that get the stream.",
       [](W worker) { return worker.counts.listeners; });
  each("eradio_notify_clients", "gauge", "Open WebSockets and event streams.",
       [](W worker) { return worker.counts.notify_clients; });

  out.begin("eradio_worker_cpu_seconds_total", "counter",
            "Processor time of the worker's process; begins anew with the next process.");
  for (const WorkerStatus& worker : status.workers) {
    if (worker.usage) {
      out.sample(worker_label(worker) + R"(,mode="user")", worker.usage->user_s);
      out.sample(worker_label(worker) + R"(,mode="system")", worker.usage->system_s);
    }
  }
  out.begin("eradio_worker_resident_memory_bytes", "gauge",
            "Resident memory of the worker's process.");
  for (const WorkerStatus& worker : status.workers) {
    if (worker.usage) {
      out.sample(worker_label(worker), worker.usage->memory_bytes);
    }
  }
}

void write_frame_ages(Exposition& out, const FrameAgeTotals& ages) {
  out.begin("eradio_frame_age_seconds", "histogram",
            "How old frames were when TCP took their last byte, over all listeners.");
  std::uint64_t frames = 0;
  for (std::size_t place = 0; place < frame_age_bounds_ms.size(); ++place) {
    frames += ages.frames[place];
    out.sample(fmt::format(R"(le="{}")", static_cast<double>(frame_age_bounds_ms[place]) / 1000),
               frames, "_bucket");
  }
  out.sample(R"(le="+Inf")", ages.count(), "_bucket");
  out.sample("", seconds_of(static_cast<std::int64_t>(ages.sum_ns)), "_sum");
  out.sample("", ages.count(), "_count");
}

void write_totals(Exposition& out, const ServerStatus& status) {
  const ListenerTotals sent = all_sent(status);
  const ContinuityTotals totals = all_continuity(status);
  const ActivityTotals activity = all_activity(status);
  out.counter("eradio_connections_accepted_total", "Connections of clients that were accepted.",
              activity.accepted);
  out.counter("eradio_refusals_total", "Connections and listeners that were over a limit.",
              activity.refused);
  out.counter("eradio_listeners_joined_total", "Listeners that have come.", activity.listeners);
  out.counter("eradio_frames_sent_total",
              "Frames of which TCP has taken the last byte, over all listeners.", sent.frames_sent);
  out.counter("eradio_stream_bytes_sent_total",
              "Bytes of the stream that TCP has taken, over all listeners.", sent.bytes_sent);
  out.counter("eradio_frames_skipped_total",
              "Frames that listeners were not sent, over all listeners.", sent.frames_skipped);
  out.counter("eradio_listener_jumps_total", "Places where listeners missed frames.", sent.jumps);
  out.counter("eradio_stream_sends_total", "Sends of the stream, each to one listener.",
              activity.sends);
  out.counter("eradio_notifications_sent_total",
              "Notifications to WebSockets and event streams, over all of them.",
              activity.notifications);
  out.counter("eradio_ring_records_lost_total",
              "Records that were overwritten before a worker had read them, over all workers.",
              activity.records_lost);
  out.counter("eradio_listeners_adopted_total",
              "Listeners of an ended worker that the next one went on with.", totals.adopted);
  out.counter("eradio_listeners_not_adopted_total",
              "Listeners of an ended worker that the next one could not go on with.",
              totals.not_adopted);
  out.counter("eradio_notify_clients_adopted_total",
              "WebSockets and event streams of an ended worker that the next one went on with.",
              totals.notify_adopted);
  out.counter(
      "eradio_notify_clients_not_adopted_total",
      "WebSockets and event streams of an ended worker that the next one could not go on with.",
      totals.notify_not_adopted);
  out.counter("eradio_requests_dropped_total",
              "Requests that were half read or half answered when their worker ended.",
              totals.requests_dropped);
  write_frame_ages(out, activity.frame_ages);
}

void write_source(Exposition& out, const ServerStatus& status) {
  const SourceStatus& source = status.source;
  const SourceCounters& counters = source.counters;
  out.gauge("eradio_source_up", "Whether the source's process runs.", source.process > 0 ? 1 : 0);
  out.gauge("eradio_source_playing", "Whether the stream is playing.",
            status.metadata.now_playing.playing ? 1 : 0);
  out.counter("eradio_source_restarts_total", "How often the source was started again.",
              source.restarts);
  if (source.last_frame_ns > 0) {
    out.gauge("eradio_source_last_frame_timestamp_seconds",
              "When the newest frame came from the source, in seconds since 1970.",
              status.now_unix_s - seconds_of(status.now_ns - source.last_frame_ns));
  }
  out.counter("eradio_source_read_bytes_total", "Bytes of the source's output.",
              counters.bytes_read);
  out.begin("eradio_source_frames_total", "counter", "Frames that came from the source.");
  out.sample(R"(kind="sync_point")", counters.sync_points);
  out.sample(R"(kind="dependent")", counters.dependent_frames);
  out.sample(R"(kind="header")", counters.headers);
  out.counter("eradio_source_frame_bytes_total", "Bytes in these frames.", counters.frame_bytes);
  out.counter("eradio_source_tracks_total", "Tracks that the source has begun.", counters.tracks);
  out.counter("eradio_source_stops_total", "How often the source has said that its stream stops.",
              counters.stops);
  out.counter("eradio_source_log_messages_total", "Log messages of the source.",
              counters.log_messages);
  out.counter("eradio_source_broken_frames_total", "Frames that broke the source protocol.",
              counters.broken_frames);
  out.counter("eradio_source_broken_bytes_total",
              "Bytes of the source's output that were thrown away for it.", counters.broken_bytes);
}

void write_ring(Exposition& out, const RingStatus& ring) {
  out.gauge("eradio_ring_size_bytes", "Room of the ring.", ring.size_bytes);
  out.gauge("eradio_ring_used_bytes", "Of it so much has been written to.", ring.used_bytes);
  out.counter("eradio_ring_records_total", "Records that were ever written to the ring.",
              ring.records);
  out.counter("eradio_ring_stream_bytes_total", "Bytes of frames in these records.",
              ring.stream_position);
  out.gauge("eradio_ring_held_seconds", "So much of the stream is in the ring.",
            seconds_of(ring.held_ns));
}

void write_escrow(Exposition& out, const ServerStatus& status) {
  const EscrowStatus& escrow = status.escrow;
  out.gauge("eradio_escrow_enabled", "Whether clients outlive their worker.", escrow.on ? 1 : 0);
  out.gauge("eradio_escrow_held_descriptors", "Descriptors of clients that the master has.",
            escrow.held);
  out.gauge("eradio_escrow_max_descriptors", "Descriptors of clients that the master can have.",
            escrow.max);
  out.gauge("eradio_escrow_clients_not_held",
            "Clients that are disconnected if their worker ends now.", clients_not_held(status));
}

void write_audience(Exposition& out, const StreamMetadata& metadata) {
  out.gauge("eradio_listener_ids", "Different ids that listen.", metadata.listeners);
  out.gauge("eradio_votes", "Votes against the track that plays.", metadata.vetoes);
}

}  // namespace

std::string metrics_text(const ServerStatus& status) {
  Exposition out;
  write_server(out, status);
  write_workers(out, status);
  write_totals(out, status);
  write_source(out, status);
  write_ring(out, status.ring);
  write_escrow(out, status);
  write_audience(out, status.metadata);
  return out.take();
}

}  // namespace eradio
