// Which worker protocol this program speaks. In a file of its own, which worker_protocol.cpp alone
// includes: so tests build programs of another version from what the others are built from.
#pragma once

#include <cstdint>

namespace eradio {

// Raised with whatever is new: a type of message, or a setting, whose default is what was before.
// Who is of an older version ignores it.
constexpr std::uint32_t worker_protocol_version = 12;
// The oldest version that this program goes on with. Raised, to the same, when what there is
// already gets another layout or meaning: then nobody goes over from one to the other, and an
// upgrade is refused.
constexpr std::uint32_t worker_protocol_compatible_from = 12;

}  // namespace eradio
