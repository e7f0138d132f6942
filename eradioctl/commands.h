// What eradioctl can be told to do: each command asks the server and prints what it answers.
#pragma once

#include <string>
#include <vector>

#include "eradioctl/control_client.h"

namespace eradio {

// What --help says about them.
std::string commands_help();

// `words`: the command and its arguments. `json`: print what the server says, as it says it. Throws
// Failure.
void run_command(ControlClient& client, const std::vector<std::string>& words, bool json);

}  // namespace eradio
