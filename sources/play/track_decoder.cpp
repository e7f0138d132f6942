#include "sources/play/track_decoder.h"

#include <chrono>
#include <thread>

#include "common/clock.h"
#include "common/version.h"
#include "sources/play/locations.h"

extern "C" {
#include <libavutil/opt.h>
}

namespace eradio {
namespace {

// How long a call into FFmpeg may take before the track is given up: longer than the pieces of an
// HTTP live stream, which come one by one.
constexpr std::int64_t stall_max_ns = 20 * ns_per_second;
constexpr std::chrono::milliseconds not_ready_pause{10};

void set_option(FfmpegPointer<AVDictionary>& options, const char* key, const char* value) {
  AVDictionary* dictionary = options.release();
  ::av_dict_set(&dictionary, key, value, 0);
  options.reset(dictionary);
}

FfmpegPointer<AVDictionary> protocol_options(const Track& track) {
  FfmpegPointer<AVDictionary> options;
  if (track.location.starts_with("http://") || track.location.starts_with("https://")) {
    set_option(options, "user_agent", "eradio/" ERADIO_VERSION);
    set_option(options, "icy", "1");
    // A connection that breaks is no reason to go on to the next track.
    set_option(options, "reconnect", "1");
    set_option(options, "reconnect_streamed", "1");
    set_option(options, "reconnect_delay_max", "4");
  }
  if (track.hls) {
    // A local file may normally not lead FFmpeg into the network; this one is there to do so.
    set_option(options, "protocol_whitelist", "file,http,https,tcp,tls,crypto,data,httpproxy");
  }
  return options;
}

}  // namespace

std::string track_name(const std::string& artist, const std::string& title,
                       const std::string& playlist_title, const std::string& fallback) {
  if (!title.empty()) {
    return artist.empty() ? title : artist + " – " + title;
  }
  return playlist_title.empty() ? fallback : playlist_title;
}

std::string icy_stream_title(std::string_view packet) {
  constexpr std::string_view key = "StreamTitle='";
  const auto begin = packet.find(key);
  if (begin == std::string_view::npos) {
    return {};
  }
  packet.remove_prefix(begin + key.size());
  // Titles contain apostrophes; the end is one with a semicolon after it.
  return to_utf8(packet.substr(0, std::min(packet.find("';"), packet.size())));
}

TrackDecoder::TrackDecoder(const Track& track, const std::atomic<bool>& cancelled, LogLines& log)
    : track_(track), cancelled_(cancelled), log_(log) {
  packet_ = own_ffmpeg(::av_packet_alloc());
  frame_ = own_ffmpeg(::av_frame_alloc());
  open();
  open_codec();
}

int TrackDecoder::is_interrupted(void* decoder) noexcept {
  const auto* self = static_cast<const TrackDecoder*>(decoder);
  return self->cancelled_ || monotonic_ns() > self->give_up_ns_ ? 1 : 0;
}

void TrackDecoder::expect_progress() noexcept { give_up_ns_ = monotonic_ns() + stall_max_ns; }

void TrackDecoder::open() {
  input_ = own_ffmpeg(::avformat_alloc_context());
  input_->interrupt_callback = {.callback = is_interrupted, .opaque = this};
  expect_progress();
  // Said outright, or a colon in a file's name would make a protocol of what is before it.
  const std::string address = (is_url(track_.location) ? "" : "file:") + track_.location;
  FfmpegPointer<AVDictionary> options = protocol_options(track_);
  AVDictionary* unused = options.release();
  AVFormatContext* input = input_.release();  // avformat_open_input() frees it on failure
  const int result = ::avformat_open_input(&input, address.c_str(), nullptr, &unused);
  options.reset(unused);
  input_.reset(input);
  if (result < 0) {
    throw TrackError(ffmpeg_error_text(result));
  }
  if (const int found = ::avformat_find_stream_info(input_.get(), nullptr); found < 0) {
    throw TrackError(ffmpeg_error_text(found));
  }
}

void TrackDecoder::open_codec() {
  const AVCodec* decoder = nullptr;
  stream_ = ::av_find_best_stream(input_.get(), AVMEDIA_TYPE_AUDIO, -1, -1, &decoder, 0);
  if (stream_ < 0) {
    throw TrackError(stream_ == AVERROR_STREAM_NOT_FOUND ? "there is no sound in it"
                                                         : ffmpeg_error_text(stream_));
  }
  // Pictures, films and other languages: not even read.
  for (unsigned i = 0; i < input_->nb_streams; ++i) {
    input_->streams[i]->discard =
        static_cast<int>(i) == stream_ ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  }
  const AVStream* stream = input_->streams[stream_];
  codec_ = own_ffmpeg(::avcodec_alloc_context3(decoder));
  codec_->pkt_timebase = stream->time_base;  // needed to cut an encoder's padding off
  int result = ::avcodec_parameters_to_context(codec_.get(), stream->codecpar);
  if (result >= 0) {
    result = ::avcodec_open2(codec_.get(), decoder, nullptr);
  }
  if (result < 0) {
    throw TrackError(ffmpeg_error_text(result));
  }
}

bool TrackDecoder::read(StereoSamples& out) {
  if (cancelled_) {
    return false;
  }
  expect_progress();
  const int result = ::av_read_frame(input_.get(), packet_.get());
  if (result == AVERROR(EAGAIN)) {
    std::this_thread::sleep_for(not_ready_pause);
    return true;
  }
  if (result < 0) {
    if (cancelled_) {
      return false;
    }
    if (result != AVERROR_EOF) {
      log_.add(SourceLogLevel::warning,
               track_.location + " ended early: " + ffmpeg_error_text(result));
    }
    decode(nullptr, out);
    resampler_.flush(out);
    return false;
  }
  if (packet_->stream_index == stream_) {
    decode(packet_.get(), out);
  }
  ::av_packet_unref(packet_.get());
  return true;
}

void TrackDecoder::decode(const AVPacket* packet, StereoSamples& out) {
  int result = ::avcodec_send_packet(codec_.get(), packet);
  if (result == AVERROR(EAGAIN)) {  // it wants to be emptied first
    take_frames(out);
    result = ::avcodec_send_packet(codec_.get(), packet);
  }
  if (result < 0 && result != AVERROR_EOF) {
    report_broken(ffmpeg_error_text(result));
  }
  take_frames(out);
}

void TrackDecoder::take_frames(StereoSamples& out) {
  for (;;) {
    const int result = ::avcodec_receive_frame(codec_.get(), frame_.get());
    if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) {
      return;
    }
    if (result < 0) {
      return report_broken(ffmpeg_error_text(result));
    }
    if (!resampler_.convert(*frame_, out)) {
      report_broken("its sound cannot be made stereo of 44.1 kHz");
    }
  }
}

void TrackDecoder::report_broken(const std::string& reason) {
  if (!reported_broken_) {
    reported_broken_ = true;
    log_.add(SourceLogLevel::warning,
             "a part of " + track_.location + " cannot be decoded: " + reason);
  }
}

std::string TrackDecoder::tag(const char* key) const {
  // Ogg has its tags in the stream, most others have them in the file.
  for (const AVDictionary* tags : {input_->streams[stream_]->metadata, input_->metadata}) {
    const AVDictionaryEntry* entry = ::av_dict_get(tags, key, nullptr, 0);
    if (entry != nullptr && *entry->value != '\0') {
      return to_utf8(entry->value);
    }
  }
  return {};
}

std::string TrackDecoder::protocol_option(const char* key) const {
  std::uint8_t* value = nullptr;
  if (input_->pb == nullptr || input_->pb->av_class == nullptr ||
      ::av_opt_get(input_->pb, key, AV_OPT_SEARCH_CHILDREN, &value) < 0 || value == nullptr) {
    return {};
  }
  std::string text = reinterpret_cast<const char*>(value);
  ::av_free(value);
  return text;
}

std::string TrackDecoder::name() const {
  if (!stream_title_.empty()) {
    return stream_title_;
  }
  const std::string title = tag("title");
  return track_name(tag("artist"), title, track_.title, track_.fallback);
}

bool TrackDecoder::take_name_change() {
  AVStream* stream = input_->streams[stream_];
  bool changed = ((stream->event_flags & AVSTREAM_EVENT_FLAG_METADATA_UPDATED) |
                  (input_->event_flags & AVFMT_EVENT_FLAG_METADATA_UPDATED)) != 0;
  stream->event_flags &= ~AVSTREAM_EVENT_FLAG_METADATA_UPDATED;
  input_->event_flags &= ~AVFMT_EVENT_FLAG_METADATA_UPDATED;
  if (is_url(track_.location)) {
    const std::string title = icy_stream_title(protocol_option("icy_metadata_packet"));
    if (!title.empty() && title != stream_title_) {
      stream_title_ = title;
      changed = true;
    }
  }
  return changed;
}

bool TrackDecoder::is_live() const {
  return is_url(track_.location) && input_->duration == AV_NOPTS_VALUE;
}

}  // namespace eradio
