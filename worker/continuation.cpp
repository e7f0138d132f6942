#include "worker/continuation.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace eradio {
namespace {

// Frames that begin at `from` or behind it, and before the frame with the number `until`.
std::uint64_t frames_between(const KnownStream& stream, std::uint64_t from, std::uint64_t until) {
  const FrameStore& store = stream.store;
  const std::uint64_t first = store.first_from(from);
  std::uint64_t frames = until - std::min(first, until);
  if (first == store.oldest() && stream.old_frames != nullptr) {
    const std::uint64_t stored_from =
        store.oldest() < store.next() ? store.frame(store.oldest()).stream_position : UINT64_MAX;
    frames += stream.old_frames->count(from, stored_from);
  }
  return frames;
}

// Frames that begin at `from` or behind it, and end at `until` or before it.
std::uint64_t frames_within(const KnownStream& stream, std::uint64_t from, std::uint64_t until) {
  const FrameStore& store = stream.store;
  const bool stored =
      store.oldest() < store.next() && until > store.frame(store.oldest()).stream_position;
  const std::uint64_t begun = stored ? frames_between(stream, from, store.first_from(until))
                              : stream.old_frames == nullptr
                                  ? 0
                                  : stream.old_frames->count(from, until);
  const auto in_store = store.find(until);
  const auto* old = stream.old_frames == nullptr ? nullptr : stream.old_frames->find(until);
  const bool in_the_middle = (in_store && store.frame(*in_store).stream_position < until) ||
                             (!in_store && old != nullptr && old->stream_position < until);
  return begun - std::min<std::uint64_t>(begun, in_the_middle ? 1 : 0);
}

// It goes on behind what it has not been sent, from there on.
void skip_from(Listener& listener, const KnownStream& stream, std::uint64_t stream_position) {
  listener.next_frame = stream.resumption;
  if (listener.frames_sent > 0) {  // what came before its first frame, a listener does not miss
    ListenerTrouble& trouble = listener.trouble();
    trouble.jumped = true;
    trouble.frames_skipped += frames_between(stream, stream_position, stream.resumption);
  }
}

std::string_view continue_in_header(Listener& listener, const ListenerEstate& estate,
                                    const KnownStream& stream) {
  const ListenerRun& run = estate.run;
  const FrameStore& store = stream.store;
  const std::uint64_t missing = run.bytes_before - listener.bytes_sent;
  if (missing == run.header_bytes) {  // nothing of it was sent
    listener.header = 0;
    skip_from(listener, stream, estate.tally.stream_position);
    return {};
  }
  const auto first = store.find(run.stream_position);
  if (missing > run.header_bytes || listener.header == 0 || !first ||
      store.frame(*first).stream_position != run.stream_position ||
      store.header()->size() != run.header_bytes) {
    return "the header that it is in the middle of is no longer there";
  }
  listener.next_frame = *first;
  listener.trouble().kept_rest = std::make_unique<KeptRest>(
      KeptRest{.bytes = store.header(), .sent = run.header_bytes - missing});
  return {};
}

// The position is older than everything in the store.
std::string_view continue_behind_the_store(Listener& listener, const ListenerEstate& estate,
                                           const KnownStream& stream, std::uint64_t position) {
  const OldFrames* const old_frames = stream.old_frames;
  const auto* last_sent = old_frames == nullptr ? nullptr : old_frames->find(position - 1);
  const std::uint64_t frame_end =
      last_sent == nullptr ? position : last_sent->stream_position + last_sent->bytes;
  const bool at_a_frame =
      last_sent != nullptr ? frame_end == position : estate.tally.stream_position == position;
  const std::uint64_t since_tally = frames_within(stream, estate.tally.stream_position, position);
  if (!at_a_frame) {
    auto rest = last_sent == nullptr ? std::nullopt : old_frames->rest(*last_sent, position);
    if (!rest) {
      return "the rest of the frame that it is in the middle of is no longer there";
    }
    listener.trouble().kept_rest = std::make_unique<KeptRest>(
        KeptRest{.bytes = std::make_shared<const std::vector<std::byte>>(std::move(*rest)),
                 .of_frame = true,
                 .time_ns = last_sent->time_ns});
  }
  listener.frames_sent += since_tally;
  // What is behind it is too old: as if it had waited here.
  skip_from(listener, stream, frame_end);
  listener.trouble().jumps += 1;
  listener.trouble().jumped = true;
  return {};
}

}  // namespace

std::string_view continue_listener(Listener& listener, const ListenerEstate& estate,
                                   const KnownStream& stream) {
  const FrameStore& store = stream.store;
  const ListenerRun& run = estate.run;
  const ListenerTally& tally = estate.tally;
  const std::uint64_t run_begin =
      run.bytes_before - std::min<std::uint64_t>(run.bytes_before, run.header_bytes);
  if (run_begin > 0) {  // what is queued from before is no older to us
    listener.trouble().run_before.since_ns = stream.now_ns;
  }
  if (store.header() != nullptr && run.header_position == store.header_position()) {
    listener.header = store.header_version();
  }
  if (listener.bytes_sent < run.bytes_before) {
    return continue_in_header(listener, estate, stream);
  }
  const std::uint64_t begin = run.stream_position;
  const std::uint64_t position = begin + (listener.bytes_sent - run.bytes_before);
  if (store.header() != nullptr && begin <= store.header_position() &&
      store.header_position() + store.header()->size() <= position) {
    listener.header = store.header_version();  // it came by it
  }
  // Nothing of the run was sent: it can begin anywhere. Or its worker has skipped already.
  if (position == begin || position < tally.stream_position) {
    skip_from(listener, stream, tally.stream_position);
    return {};
  }
  const auto last_sent = store.find(position - 1);
  if (last_sent &&
      store.frame(*last_sent).stream_position + store.frame(*last_sent).bytes == position) {
    listener.next_frame = *last_sent + 1;
  } else if (const auto begun = store.find(position)) {
    listener.next_frame = *begun;
    listener.begun_bytes =
        static_cast<std::uint32_t>(position - store.frame(*begun).stream_position);
  } else {
    return continue_behind_the_store(listener, estate, stream, position);
  }
  listener.resumes = false;
  listener.run_noted = true;
  listener.run = {.begin = run_begin, .offset = position - listener.bytes_sent};
  listener.frames_sent += frames_within(stream, tally.stream_position, position);
  return {};
}

}  // namespace eradio
