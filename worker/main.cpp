// eradio-worker: started by eradiod, never by hand. Serves listeners from the ring.

#include <signal.h>
#include <sys/prctl.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "common/descriptor.h"
#include "common/log.h"
#include "common/version.h"
#include "common/worker_protocol.h"
#include "worker/sandbox.h"
#include "worker/send_ring.h"
#include "worker/standby.h"
#include "worker/worker.h"

namespace {

// nullptr where there can be none.
std::unique_ptr<eradio::SendRing> make_ring() {
  try {
    return std::make_unique<eradio::SendRing>(
        static_cast<unsigned>(std::min<unsigned long>(eradio::descriptor_limit(), UINT_MAX)));
  } catch (const std::system_error& error) {
    eradio::log::info("io_uring cannot be used here: {}", error.what());
    return nullptr;
  }
}

// Of the command line ps and systemctl show the slot from now on, and not some 700 characters of
// settings. They come there all the same: every version of the master and of this understands that.
void show_slot_alone(char* settings, std::uint32_t slot) {
  const std::size_t room = std::strlen(settings);
  std::memset(settings, '\0', room);
  std::to_string(slot).copy(settings, room);
}

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count != 2) {
    std::fprintf(stderr, "eradio-worker %s is started by eradiod, not by hand\n", ERADIO_VERSION);
    return 2;
  }
  try {
    ::signal(SIGPIPE, SIG_IGN);
    ::prctl(PR_SET_NAME, "eradio-worker");  // of one that was executed from an open file
    eradio::open_standard_descriptors();
    eradio::set_up_log("worker", "info");
    const eradio::WorkerSettings settings = eradio::decode_worker_settings(arguments[1]);
    show_slot_alone(arguments[1], settings.slot);
    eradio::set_up_log(
        "worker " + std::to_string(settings.slot), settings.log_level,
        eradio::log_format_of(settings.log_format).value_or(eradio::LogFormat::logfmt));
    auto ring = settings.io_uring ? make_ring() : nullptr;  // which the sandbox would forbid
    const eradio::Sandbox sandbox = settings.sandbox
                                        ? eradio::enter_sandbox(settings.webroot, ring != nullptr)
                                        : eradio::Sandbox();
    if (!sandbox.missing.empty()) {
      eradio::log::debug("not all of the sandbox: {}", sandbox.missing);
    }
    if (!eradio::stand_by(settings)) {
      return 0;
    }
    eradio::Worker worker(settings, sandbox, std::move(ring));
    const eradio::WorkerEnd end = worker.run();
    eradio::log::say_what_was_left_out(true);
    if (end == eradio::WorkerEnd::handed_over) {
      std::_Exit(0);  // what a destructor would put in order is another's by now
    }
    return 0;
  } catch (const std::exception& error) {
    eradio::log::error("cannot go on: {}", error.what());
    return 1;
  }
}
