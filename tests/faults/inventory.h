// What a server holds: processes, descriptors of each kind, shared memory. Two servers that do the
// same with the same settings, and have no listeners, hold the same, whatever they have lived
// through.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "tests/support/server.h"

namespace eradio::testing {

// How many there are of each thing.
using Inventory = std::map<std::string, std::size_t>;

Inventory inventory_of(const Server& server);
// One line for each thing of which there are not as many; empty: there are none.
std::string differences(const Inventory& expected, const Inventory& found);

}  // namespace eradio::testing
