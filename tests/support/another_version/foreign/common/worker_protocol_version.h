// For programs that go on with none of those that there are.
#pragma once

#include <cstdint>

namespace eradio {

constexpr std::uint32_t worker_protocol_version = 2000;
constexpr std::uint32_t worker_protocol_compatible_from = 2000;

}  // namespace eradio
