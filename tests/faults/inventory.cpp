#include "tests/faults/inventory.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>

#include "tests/support/processes.h"

namespace eradio::testing {
namespace {

namespace fs = std::filesystem;

// "socket:[123]" and "pipe:[123]" without their numbers; files and memory by their names.
std::string kind_of(const std::string& target) { return target.substr(0, target.find(":[")); }

bool is_shared_memory(const std::string& name) { return name.rfind("/memfd:", 0) == 0; }

// proc(5): address perms offset dev inode name
void find_mappings(pid_t process, std::set<std::string>& memory) {
  std::ifstream maps("/proc/" + std::to_string(process) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::string skipped;
    std::string inode;
    std::string name;
    words >> skipped >> skipped >> skipped >> skipped >> inode >> name;
    if (is_shared_memory(name)) {
      memory.insert(inode);
    }
  }
}

void count_descriptors(pid_t process, const std::string& whose, Inventory& inventory) {
  std::error_code error;  // one that has gone, or goes meanwhile, holds nothing
  for (fs::directory_iterator entry("/proc/" + std::to_string(process) + "/fd", error), end;
       !error && entry != end; entry.increment(error)) {
    std::error_code unreadable;
    const std::string target = fs::read_symlink(*entry, unreadable);
    if (!unreadable) {
      ++inventory[whose + ": " + kind_of(target)];
    }
  }
}

}  // namespace

Inventory inventory_of(const Server& server) {
  Inventory inventory;
  std::set<std::string> memory;
  count_descriptors(server.master(), "master", inventory);
  find_mappings(server.master(), memory);
  for (const ChildProcess& child : children_of(server.master())) {
    ++inventory["process " + child.name];
    if (child.name == "eradio-worker") {
      count_descriptors(child.id, "workers", inventory);
      find_mappings(child.id, memory);
    }
  }
  inventory["pieces of shared memory"] = memory.size();
  inventory["zombies"] = zombies_of(server.master()).size();
  inventory["processes"] = server.processes().size();
  return inventory;
}

std::string differences(const Inventory& expected, const Inventory& found) {
  std::set<std::string> things;
  for (const auto& [thing, count] : expected) {
    things.insert(thing);
  }
  for (const auto& [thing, count] : found) {
    things.insert(thing);
  }
  const auto count_in = [](const Inventory& inventory, const std::string& thing) {
    const auto at = inventory.find(thing);
    return at == inventory.end() ? 0 : at->second;
  };
  std::string text;
  for (const std::string& thing : things) {
    const std::size_t wanted = count_in(expected, thing);
    const std::size_t is = count_in(found, thing);
    if (wanted != is) {
      text += thing + ": " + std::to_string(is) + ", not " + std::to_string(wanted) + "\n";
    }
  }
  return text;
}

}  // namespace eradio::testing
