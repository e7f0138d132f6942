#include "common/http/request_reader.h"

#include <utility>
#include <variant>

#include "common/check.h"

namespace eradio {
namespace {

// RFC 9110, 5.5 and RFC 9112, 2.2: no control character but HTAB, CR and LF may stand in a head.
bool is_forbidden(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\r' && c != '\n') || byte == 0x7f;
}

}  // namespace

void RequestReader::append(std::string_view bytes) {
  if (error_) {
    return;
  }
  // What is done with goes only when it is at least half: so every byte is moved once on average.
  if (begin_ > 0 && begin_ >= buffer_.size() - begin_) {
    buffer_.erase(0, begin_);
    scanned_ -= begin_;
    line_begin_ -= begin_;
    body_begin_ -= head_ ? begin_ : 0;
    begin_ = 0;
  }
  buffer_ += bytes;
}

ReadProgress RequestReader::read() {
  if (!error_ && !head_) {
    skip_empty_lines();
    find_head();
  }
  if (error_) {
    return ReadProgress::bad;
  }
  const bool complete = head_ && buffer_.size() - body_begin_ >= head_->content_length;
  return complete ? ReadProgress::complete : ReadProgress::incomplete;
}

// RFC 9112, 2.2: old clients send an extra CRLF after a body.
void RequestReader::skip_empty_lines() {
  while (!error_ && scanned_ == begin_ && buffer_.compare(begin_, 2, "\r\n") == 0) {
    begin_ += 2;
    scanned_ = line_begin_ = begin_;
    skipped_ += 2;
    if (++empty_lines_ > limits_.leading_empty_lines_max) {
      fail({400, "too many empty lines before a request"});
    }
  }
}

// Goes on where the last call stopped. Errors are found in the order of the bytes, so that the cuts
// between them do not decide which one is reported.
void RequestReader::find_head() {
  // A lone CR at the front may still become an empty line.
  if (scanned_ == begin_ && buffer_.size() - begin_ == 1 && buffer_[begin_] == '\r') {
    return;
  }
  for (; scanned_ < buffer_.size() && !error_ && !head_; ++scanned_) {
    const char c = buffer_[scanned_];
    const bool after_cr = scanned_ > begin_ && buffer_[scanned_ - 1] == '\r';
    if (after_cr != (c == '\n')) {  // RFC 9112, 2.2: a bare CR or LF must not end a line
      fail({400, "a line must end with CR and LF"});
    } else if (is_forbidden(c)) {
      fail({400, "a control character in the request's head"});
    } else if (c == '\n') {
      if (scanned_ == line_begin_ + 1) {
        accept_head(std::string_view(buffer_).substr(begin_, line_begin_ - begin_));
      }
      line_begin_ = scanned_ + 1;
    } else if (line_begin_ == begin_ && scanned_ - begin_ > limits_.request_line_bytes_max) {
      fail({414, "the request line is too long"});
    }
    if (!error_ && scanned_ - begin_ >= limits_.head_bytes_max) {
      fail({431, "the request's header fields are too large"});
    }
  }
}

void RequestReader::accept_head(std::string_view text) {
  auto parsed = parse_request_head(text);
  if (auto* error = std::get_if<RequestError>(&parsed)) {
    fail(std::move(*error));
    return;
  }
  auto& head = std::get<RequestHead>(parsed);
  if (head.content_length > limits_.body_bytes_max) {
    fail({413, "the request's body is larger than " + std::to_string(limits_.body_bytes_max) +
                   " bytes"});
    return;
  }
  body_begin_ = scanned_ + 1;
  continue_wished_ = head.expects_continue && head.content_length > 0;
  head_ = std::move(head);
}

ReceivedRequest RequestReader::take_request() {
  ERADIO_CHECK(read() == ReadProgress::complete);
  ReceivedRequest request;
  request.head = *std::exchange(head_, std::nullopt);
  const std::size_t length = request.head.content_length;
  request.body = buffer_.substr(body_begin_, length);
  request.bytes = skipped_ + (body_begin_ + length - begin_);
  begin_ = scanned_ = line_begin_ = body_begin_ + length;
  empty_lines_ = 0;
  skipped_ = 0;
  continue_wished_ = false;
  if (begin_ == buffer_.size()) {  // the usual case: no pipelining; an idle client costs little
    buffer_ = std::string();
    begin_ = scanned_ = line_begin_ = 0;
  }
  return request;
}

bool RequestReader::take_continue_wish() {
  // RFC 9110, 10.1.1: not needed any more once a part of the body has come.
  return std::exchange(continue_wished_, false) && buffer_.size() == body_begin_;
}

bool RequestReader::in_request() const noexcept {
  return !error_ && (head_ || begin_ < buffer_.size());
}

std::string RequestReader::take_rest() {
  std::string rest = buffer_.substr(begin_);
  *this = RequestReader(limits_);
  return rest;
}

void RequestReader::fail(RequestError error) {
  error_ = std::move(error);
  buffer_ = std::string();  // nothing in it can be trusted, and nothing will look at it
  begin_ = scanned_ = line_begin_ = 0;
}

}  // namespace eradio
