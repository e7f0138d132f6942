// The status in Prometheus' text format, version 0.0.4. docs/status.md has the metrics.
#pragma once

#include <string>

#include "master/status.h"

namespace eradio {

constexpr const char* metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

std::string metrics_text(const ServerStatus& status);

}  // namespace eradio
