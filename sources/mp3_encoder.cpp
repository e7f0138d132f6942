#include "sources/mp3_encoder.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "common/check.h"

extern "C" {
#include <libavutil/opt.h>
}

namespace eradio {
namespace {

// ISO 11172-3, 2.4.2.3: the bitrates of layer III.
constexpr std::array mp3_bitrates{32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320};

}  // namespace

bool is_mp3_bitrate(int kilobits) {
  return std::find(mp3_bitrates.begin(), mp3_bitrates.end(), kilobits) != mp3_bitrates.end();
}

std::string mp3_bitrates_text() {
  std::string text;
  for (const int kilobits : mp3_bitrates) {
    const char* separator = kilobits == mp3_bitrates.back() ? " or " : ", ";
    text += (text.empty() ? "" : separator) + std::to_string(kilobits);
  }
  return text;
}

Mp3Encoder::Mp3Encoder(int kilobits) {
  ERADIO_CHECK(is_mp3_bitrate(kilobits));
  const AVCodec* lame = ::avcodec_find_encoder_by_name("libmp3lame");
  if (lame == nullptr) {
    throw std::runtime_error("this FFmpeg has no libmp3lame to encode MP3 with");
  }
  codec_ = own_ffmpeg(::avcodec_alloc_context3(lame));
  codec_->sample_rate = sample_rate;
  codec_->sample_fmt = AV_SAMPLE_FMT_FLTP;
  ::av_channel_layout_default(&codec_->ch_layout, channels);
  codec_->bit_rate = std::int64_t{kilobits} * 1000;
  codec_->time_base = AVRational{1, sample_rate};
  // A frame whose sound begins in the frames before it would be lost along with them.
  check_ffmpeg(::av_opt_set_int(codec_->priv_data, "reservoir", 0, 0),
               "cannot switch the bit reservoir off");
  check_ffmpeg(::avcodec_open2(codec_.get(), lame, nullptr), "cannot open the MP3 encoder");
  ERADIO_CHECK(codec_->frame_size == static_cast<int>(frame_samples));

  samples_ = own_ffmpeg(::av_frame_alloc());
  samples_->nb_samples = codec_->frame_size;
  samples_->format = codec_->sample_fmt;
  samples_->sample_rate = sample_rate;
  check_ffmpeg(::av_channel_layout_copy(&samples_->ch_layout, &codec_->ch_layout),
               "cannot copy a channel layout");
  check_ffmpeg(::av_frame_get_buffer(samples_.get(), 0), "cannot get memory for samples");
  samples_->pts = 0;
  packet_ = own_ffmpeg(::av_packet_alloc());
}

Mp3Encoder::~Mp3Encoder() {
  // Closed with frames inside, the encoder would complain in the log at every end of a program.
  ::avcodec_send_frame(codec_.get(), nullptr);
  while (::avcodec_receive_packet(codec_.get(), packet_.get()) == 0) {
    ::av_packet_unref(packet_.get());
  }
}

std::optional<std::span<const std::byte>> Mp3Encoder::encode(std::span<const float> left,
                                                             std::span<const float> right) {
  ERADIO_CHECK(left.size() == frame_samples && right.size() == frame_samples);
  check_ffmpeg(::av_frame_make_writable(samples_.get()), "cannot get memory for samples");
  std::memcpy(samples_->data[0], left.data(), left.size_bytes());
  std::memcpy(samples_->data[1], right.data(), right.size_bytes());
  check_ffmpeg(::avcodec_send_frame(codec_.get(), samples_.get()), "the MP3 encoder failed");
  samples_->pts += static_cast<std::int64_t>(frame_samples);

  ::av_packet_unref(packet_.get());
  const int result = ::avcodec_receive_packet(codec_.get(), packet_.get());
  if (result == AVERROR(EAGAIN)) {
    return std::nullopt;
  }
  check_ffmpeg(result, "the MP3 encoder failed");
  return std::as_bytes(std::span(packet_->data, static_cast<std::size_t>(packet_->size)));
}

}  // namespace eradio
