// What a worker process does before it is a worker: it starts while another still has the slot, so
// that listeners wait for no process to start, and finds out here whether it could serve.
#pragma once

#include "common/worker_protocol.h"

namespace eradio {

// Looks whether it can read the shared memory, says `standby`, and waits for the slot; what the
// slot's worker reads and writes is not touched. False when the master has gone meanwhile. Throws
// std::runtime_error that says what it cannot read.
bool stand_by(const WorkerSettings& settings);

// Waits for the first message on the line to the master, and leaves it there. False when the other
// end was closed instead: then the slot will never be this process's.
bool wait_for_slot(int control);

}  // namespace eradio
