// Looks at processes through /proc, and ends those that a test started: always by their numbers,
// and only those that carry the mark which the test gave them in their environment.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace eradio::testing {

// Names of the direct children of a process, with their ids, in the order they were started.
struct ChildProcess {
  pid_t id = 0;
  std::string name;  // of the program, cut to 15 characters (proc(5), comm)
};
std::vector<ChildProcess> children_of(pid_t parent);
// Its children that have ended, and that it has not reaped.
std::vector<pid_t> zombies_of(pid_t parent);

// All processes with `setting` ("NAME=value") in their environment; zombies have none.
std::vector<pid_t> processes_with(const std::string& setting);

bool is_running(pid_t process);  // false for a zombie too
// Waits until the process has ended; false when it has not within `limit`.
bool wait_for_end(pid_t process, std::chrono::milliseconds limit);
// Reaps a child: its wait status, or nothing when it still runs after `limit`.
std::optional<int> wait_for_child(pid_t child, std::chrono::milliseconds limit);

// User and system time that the process has used so far, from schedstat where there is one; then
// without that of threads that have ended.
std::chrono::nanoseconds cpu_time(pid_t process);
// The same, apart; in ticks of the scheduler (10 ms), and only as exact as these.
struct ProcessorTime {
  std::chrono::nanoseconds user{0};
  std::chrono::nanoseconds system{0};
};
ProcessorTime processor_time(pid_t process);
// That all processors of the machine were busy so far, for whomever.
std::chrono::nanoseconds machine_cpu_time();
// Resident memory, in bytes.
std::size_t resident_bytes(pid_t process);
// Its part of the memory in user space, in bytes: what it shares counts in equal parts for all who
// do (proc(5), smaps_rollup).
std::size_t proportional_bytes(pid_t process);
// The same without what is other processes', too: of files, such as libraries, only the pages that
// it has changed. And without mappings whose line in smaps has one of these in it.
std::size_t own_bytes(pid_t process, const std::vector<std::string>& without);
// How many descriptors it has open.
std::size_t open_descriptors(pid_t process);

}  // namespace eradio::testing
