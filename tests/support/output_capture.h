// Collects what processes write into a pipe, in a thread of its own so that they never wait, and
// lets a test wait for a line. It is complete when the last process that holds the pipe has ended.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "common/descriptor.h"

namespace eradio::testing {

class OutputCapture {
 public:
  OutputCapture();
  // Stops collecting, even if processes still hold the pipe.
  ~OutputCapture();
  OutputCapture(const OutputCapture&) = delete;
  OutputCapture& operator=(const OutputCapture&) = delete;

  // The end for the processes; close_ours() once they have it.
  [[nodiscard]] int write_end() const noexcept { return write_end_.number(); }
  void close_ours() { write_end_.reset(); }

  [[nodiscard]] std::string text() const;
  // How many times `part` stands in it.
  [[nodiscard]] std::size_t count(const std::string& part) const;
  // Waits until `part` stands in it `times` times: the line in which it does so last.
  [[nodiscard]] std::optional<std::string> wait_for(const std::string& part,
                                                    std::chrono::milliseconds limit,
                                                    std::size_t times = 1) const;
  // Waits until every process that could write has ended; false when one has not.
  [[nodiscard]] bool wait_for_end(std::chrono::milliseconds limit) const;

 private:
  void collect();

  Descriptor read_end_;
  Descriptor write_end_;
  Descriptor stop_;  // eventfd
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::string text_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace eradio::testing
