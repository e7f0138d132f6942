// What a worker gives up before it reads the first byte of a stranger, so that a bug in it is worth
// little: privileges, most system calls, and all files but those of the webroot. Entered once, by
// main(), for the rest of the process's life. What the kernel does not offer is left out and
// reported: it must never be why nobody is served.
#pragma once

#include <string>

namespace eradio {

// What holds. No new privileges and no capabilities: always.
struct Sandbox {
  bool system_calls = false;  // filtered by seccomp(2)
  bool files = false;         // nothing but reading below the webroot, by landlock(7)
  std::string missing;        // why not all of it, in words; empty: nothing is missing
};

// The calling process must have one thread. `webroot`: files below this directory, as it is now,
// stay readable; one that does not exist leaves none. Calls that are not on the list in sandbox.cpp
// fail with ENOSYS, and are in the kernel's log; those that nothing but an attack would make kill
// the process with SIGSYS.
// `sends_through_ring`: the process goes on to use a SendRing that it has made.
Sandbox enter_sandbox(const std::string& webroot, bool sends_through_ring = false);

}  // namespace eradio
