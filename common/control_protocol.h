// Where eradiod and eradioctl meet when nobody says otherwise. What they say to each other there is
// HTTP with JSON (docs/control.md).
#pragma once

namespace eradio {

constexpr const char* default_control_socket = "/run/eradio/control.sock";

}  // namespace eradio
