// The stream's metadata as they are told to the world: by the workers' API, and in the status.
#pragma once

#include <string>

#include "shm/stream_metadata.h"

namespace eradio {

// {"current_track":{"uri":…,"name":…},"listener_count":…,"veto_count":…}; no current_track when
// nothing plays, or nobody knows what. Bytes that are not UTF-8 are replaced.
std::string metadata_json(const StreamMetadata& metadata);

}  // namespace eradio
