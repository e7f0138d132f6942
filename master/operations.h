// What an operator can ask of the server: the control socket's requests call, the master does it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "common/log.h"
#include "common/source_protocol.h"
#include "common/worker_protocol.h"
#include "master/configuration.h"
#include "master/kicks.h"
#include "master/status_view.h"
#include "master/supervisor.h"

namespace eradio {

struct ReloadResult {
  ChangedSettings settings;
  std::string error;  // empty: there is none. If nothing is in `settings`, nothing has changed.
};

struct UpgradeResult {
  std::uint64_t number = 0;  // that ServerStatus::upgrades will have
  std::string program;       // that will run then: the path of its file
  std::string error;         // why it cannot be: then nothing has changed. Empty: it can.
};

class Operations : public StatusView {
 public:
  // False when the source cannot be told: it does not run, or does not read its commands.
  [[nodiscard]] virtual bool command(SourceCommand command) = 0;
  // Of `order` its target counts; `done` is called once, perhaps within this call.
  virtual void kick(const KickOrder& order, Kicks::Done done) = 0;
  // One after another, without losing a listener; `done` is called once.
  virtual void restart_workers(Supervisor::Replaced done) = 0;
  // Reads the configuration again. `done` is called once, when what has changed has taken effect.
  virtual void reload(std::function<void(const ReloadResult&)> done) = 0;
  // Goes over to the program that is installed now. `done` is called once, before that.
  virtual void upgrade(std::function<void(const UpgradeResult&)> done) = 0;
  // Of the master and all workers, those to come included. False when a worker could not be told.
  [[nodiscard]] virtual bool set_log_level(LogLevel level) = 0;
};

}  // namespace eradio
