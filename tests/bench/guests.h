// Listeners who come and go all the time: so many a second connect, hear a few frames, and leave.
// They are a crowd of their own, served by the crowd of those who stay, and counted by how it went.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/endpoint.h"
#include "tests/support/listener_crowd.h"

namespace eradio::testing {

// How it went for those who have left, or been given up.
struct GuestCounts {
  std::size_t served = 0;      // had their frames
  std::size_t refused = 0;     // no connection, or another answer than the stream
  std::size_t unanswered = 0;  // the connection ended before there was an answer
  std::size_t cut_off = 0;     // it ended behind the answer's head, before they had their frames
  std::size_t given_up = 0;    // they had not got their frames in time
  std::size_t faults = 0;      // of those who were served: the stream was not as it should be
  double longest_ms = 0;       // from coming until all frames were there, of those who were served
};

class Guests {
 public:
  // The crowds are borrowed; `stayers` serves the guests from now on, and must not run when this
  // object has gone.
  Guests(ListenerCrowd& stayers, const Endpoint& endpoint, double per_second);

  // Lets come who is due, and leave who has had enough. To be called every few milliseconds.
  void attend();
  // What was counted since the last time.
  GuestCounts take_counts();

 private:
  struct Guest {
    CrowdListener* listener = nullptr;
    std::int64_t came_ns = 0;
  };

  void come(std::int64_t now_ns);
  // Whether that one has left.
  bool attend(const Guest& guest, std::int64_t now_ns);
  // The count that it belongs to.
  std::size_t& how_it_ended(const CrowdListener& listener);

  ListenerCrowd crowd_;
  Endpoint endpoint_;
  std::int64_t interval_ns_;
  std::int64_t next_ns_;
  std::vector<Guest> present_;
  GuestCounts counts_;
};

}  // namespace eradio::testing
