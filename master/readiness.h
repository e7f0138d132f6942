// Whether listeners get what they come for: what GET /readyz says. Pure.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "master/status.h"

namespace eradio {

// A source without a new frame for so long is not delivering.
constexpr std::chrono::seconds frame_age_max_when_ready{10};

// Empty: ready. A source that has said that its stream has stopped, or that an operator has told to
// pause, may be silent.
std::vector<std::string> reasons_not_ready(const ServerStatus& status);

}  // namespace eradio
