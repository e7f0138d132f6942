// eradio-worker: started by eradiod, never by hand. Serves listeners from the ring.

#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "common/descriptor.h"
#include "common/log.h"
#include "common/worker_protocol.h"
#include "worker/standby.h"
#include "worker/worker.h"

int main(int argument_count, char** arguments) {
  if (argument_count != 2) {
    std::fprintf(stderr, "eradio-worker %s is started by eradiod, not by hand\n", ERADIO_VERSION);
    return 2;
  }
  try {
    ::signal(SIGPIPE, SIG_IGN);
    eradio::open_standard_descriptors();
    const eradio::WorkerSettings settings = eradio::decode_worker_settings(arguments[1]);
    eradio::set_up_log("worker " + std::to_string(settings.slot), settings.log_level);
    if (!eradio::stand_by(settings)) {
      return 0;
    }
    eradio::Worker worker(settings);
    if (worker.run() == eradio::WorkerEnd::handed_over) {
      std::_Exit(0);  // what a destructor would put in order is another's by now
    }
    return 0;
  } catch (const std::exception& error) {
    eradio::log::error("cannot go on: {}", error.what());
    return 1;
  }
}
