// Whether this program can go on from the state that another master has left, looked at before that
// master has given anything up: whatever can be wrong is found here, since whoever finds it later
// has lost all listeners. Reads, and changes nothing.
#pragma once

#include "master/master_state.h"

namespace eradio {

// That what it says of sources, listeners and clients can be true, and can be decoded.
void check_state(const MasterState& state);
// That the workers which run understand this program.
void check_workers(const MasterState& state);
// That the memory has the layouts that this program reads. Its descriptors are borrowed.
void check_shared_memory(const MasterState& state);
// All three throw std::exception that says what is wrong.

}  // namespace eradio
