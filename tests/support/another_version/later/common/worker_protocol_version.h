// For programs that are later than all others and go on with each of them.
#pragma once

#include <cstdint>

namespace eradio {

constexpr std::uint32_t worker_protocol_version = 1000;
constexpr std::uint32_t worker_protocol_compatible_from = 1;

}  // namespace eradio
