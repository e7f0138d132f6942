#include "master/supervisor.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <span>
#include <system_error>
#include <utility>

#include "common/child_process.h"
#include "common/clock.h"
#include "common/log.h"

namespace eradio {
namespace {

constexpr std::chrono::milliseconds kick_time_max{3'000};  // the operator waits

// Of execve(2); what else start_program() fails for says nothing of the program.
bool is_of_the_program(const std::system_error& error) noexcept {
  const int number = error.code().value();
  return number == EACCES || number == ENOENT || number == ENOEXEC || number == ELIBBAD;
}

}  // namespace

Supervisor::Supervisor(EventLoop& loop, std::filesystem::path program,
                       const WorkerSettings& settings, std::chrono::milliseconds timeout,
                       std::size_t escrow_max, const ListeningSockets& sockets,
                       const Publisher& publisher, Scoreboard& scoreboard,
                       std::vector<ListenerTable>& listeners, WorkerEvents& events,
                       std::function<void()> all_ready)
    : loop_(loop),
      program_(std::move(program)),
      settings_(settings),
      sockets_(sockets),
      publisher_(publisher),
      scoreboard_(scoreboard),
      listeners_(listeners),
      events_(events),
      all_ready_(std::move(all_ready)),
      stream_read_only_(publisher.reopen_read_only()),
      scoreboard_front_read_only_(scoreboard.reopen_front_read_only()),
      timeout_(timeout),
      escrow_max_(escrow_max),
      replacement_(loop, slots_, *this) {
  want_slots(settings.workers);
}

void Supervisor::want_slots(std::size_t count) {
  slots_.want(count);
  scoreboard_.use(count - 1);
}

Supervisor::~Supervisor() {
  loop_.cancel(kill_timer_);
  loop_.cancel(heartbeat_timer_);
  for (WorkerSlot& slot : slots_) {
    loop_.cancel(slot.restart_timer);
    loop_.cancel(slot.leave_timer);
  }
}

void Supervisor::start_all() {
  for (WorkerSlot& slot : slots_) {
    start(slot);
  }
  heartbeats_read_ns_ = monotonic_ns();
  look_at_workers();
}

std::string Supervisor::why_busy() const {
  if (replacement_.running()) {
    return "workers are being replaced";
  }
  for (const WorkerSlot& slot : slots_) {
    if (slot.child && !slot.ready) {
      return "worker " + std::to_string(slot.number) + " is starting";
    }
  }
  return "";
}

SavedSupervisor Supervisor::save() const {
  SavedSupervisor saved{.generations = generations_,
                        .past_totals = past_totals_,
                        .past_activity = past_activity_,
                        .workers = {},
                        .table_layout_version = listener_table_layout_version,
                        .table_records = listeners_.front().records()};
  for (const WorkerSlot& slot : slots_) {
    SavedWorker& worker = saved.workers.emplace_back();
    if (slot.child) {
      worker.process = slot.child->process();
      worker.generation = slot.child->generation();
      worker.started_ns = slot.child->started_ns();
      worker.control_descriptor = slot.child->control();
      worker.protocol = slot.child->protocol();
    }
    worker.since_ns = slot.since_ns;
    worker.ready_ns = slot.ready_ns;
    worker.starts = slot.starts;
    worker.crashes = slot.crashes;
    worker.listeners_descriptor = listeners_[slot.number].descriptor();
    worker.escrow = slot.escrow.save();
  }
  return saved;
}

void Supervisor::resume(const SavedSupervisor& saved) {
  generations_ = saved.generations;
  past_totals_ = saved.past_totals;
  past_activity_ = saved.past_activity;
  for (WorkerSlot& slot : slots_) {
    const SavedWorker& worker = saved.workers.at(slot.number);
    slot.starts = worker.starts;
    slot.crashes = worker.crashes;
    slot.escrow.resume(worker.escrow);
    if (worker.process > 0) {
      slot.child = std::make_unique<WorkerChild>(
          loop_, worker,
          [this, &slot](WorkerChild& who, WorkerMessage* what) { on_message(slot, who, what); });
      slot.since_ns = worker.since_ns;
      slot.ready_ns = worker.ready_ns;
      slot.ready = true;
    } else {
      static_cast<void>(take_stock(slot));  // whose listeners these are has been told
      start(slot);
    }
  }
  heartbeats_read_ns_ = monotonic_ns();
  look_at_workers();
}

void Supervisor::start(WorkerSlot& slot) {
  if (for_good_) {
    return;
  }
  const WorkerProgram program = program_after_death(slot);
  try {
    give_slot(slot, start_program(slot, program));
  } catch (const std::system_error& error) {
    slot.distrusts_served = program == slot.served && is_of_the_program(error);
    // Descriptors, memory or processes can be short for a while: the others go on.
    log::error("worker {}: {}", slot.number, error.what());
    restart_after(slot, std::max(slot.respawn.on_death(std::chrono::milliseconds(0)),
                                 std::chrono::milliseconds(100)));
  }
}

WorkerProgram Supervisor::installed_program() const {
  return std::make_shared<const OpenProgram>(
      OpenProgram{.file = Descriptor(::open(program_.c_str(), O_PATH | O_CLOEXEC)),
                  .opened_ns = monotonic_ns()});
}

WorkerProgram Supervisor::program_after_death(const WorkerSlot& slot) const {
  return slot.served && !slot.distrusts_served ? slot.served : installed_program();
}

std::unique_ptr<WorkerChild> Supervisor::start_program(WorkerSlot& slot) {
  return start_program(slot, installed_program());
}

std::unique_ptr<WorkerChild> Supervisor::start_program(WorkerSlot& slot, WorkerProgram file) {
  // Whatever the worker has done that has them.
  listeners_[slot.number].put_right();
  sockets_.put_right(slot.number);
  WorkerSettings settings = settings_;
  settings.slot = static_cast<std::uint32_t>(slot.number);
  settings.generation = ++generations_;
  std::vector<int> sockets;
  for (const Descriptor& socket : sockets_.tcp(slot.number)) {
    sockets.push_back(socket.number());
  }
  settings.own_sockets = static_cast<std::uint32_t>(sockets.size());
  // Sockets of slots that there are no more: closing one would refuse whoever waits in its queue.
  for (std::size_t other = settings_.workers; other < sockets_.slots(); ++other) {
    for (const Descriptor& socket : sockets_.tcp(other)) {
      sockets.push_back(socket.number());
    }
  }
  if (sockets_.unix_socket() >= 0) {
    sockets.push_back(sockets_.unix_socket());
  }
  settings.shared_sockets = static_cast<std::uint32_t>(sockets.size()) - settings.own_sockets;

  ChildProgram program{
      .arguments = {program_.string(), encode_worker_settings(settings)},
      // What is installed, by its path: it may be a script.
      .executable = file == slot.served ? file->file.number() : -1,
      .environment = {},
      .descriptors = {{publisher_.wakeup(slot.number), worker_descriptor::wakeup},
                      {stream_read_only_.number(), worker_descriptor::stream},
                      {scoreboard_.descriptor(), worker_descriptor::scoreboard},
                      {scoreboard_front_read_only_.number(), worker_descriptor::scoreboard_front},
                      {listeners_[slot.number].descriptor(), worker_descriptor::listeners}},
      .own_session = true};  // Ctrl-C at a terminal is for the master alone
  int next = worker_descriptor::first_listening_socket;
  for (const int socket : sockets) {
    program.descriptors.push_back({socket, next++});
  }

  auto child = std::make_unique<WorkerChild>(
      loop_, std::move(program), std::move(file), settings.generation,
      [this, &slot](WorkerChild& who, WorkerMessage* what) { on_message(slot, who, what); });
  ++slot.starts;
  log::debug("worker {}: process {} started", slot.number, child->process());
  return child;
}

void Supervisor::give_slot(WorkerSlot& slot, std::unique_ptr<WorkerChild> child) {
  scoreboard_.use(slot.number);
  slot.child = std::move(child);
  if (log_descriptor_ >= 0) {  // the log may have been opened again since it was started
    static_cast<void>(send_log_file(slot.child->control(), log_descriptor_));
  }
  slot.since_ns = monotonic_ns();
  slot.ready = false;
  slot.hung = false;
  slot.leaving = false;
  loop_.cancel(slot.leave_timer);
  if (slot.escrow.size() == 0) {
    listeners_[slot.number].clear();
  }
  if (slot.child->stands_by()) {
    bequeath(slot);
  }
}

void Supervisor::bequeath(WorkerSlot& slot) {
  slot.child->bequeath(slot.escrow, std::exchange(slot.inheritance, {}),
                       log_level_of(settings_.log_level).value_or(LogLevel::info));
}

std::vector<std::uint64_t> Supervisor::take_stock(WorkerSlot& slot) {
  const ListenerTable& table = listeners_[slot.number];
  std::vector<std::uint64_t> ids;
  std::vector<EscrowItem> left;
  std::vector<EscrowItem> unusable;
  slot.inheritance.clear();
  for (EscrowItem& item : slot.escrow.items()) {
    if (table.has_left(item.record, item.serial)) {
      left.push_back(item);  // the worker did not come to say so
    } else if (item.kind != ClientKind::listener) {
      slot.inheritance.push_back(item);
    } else if (const auto id = table.listener_id(item.record, item.serial)) {
      item.listener_id = *id;
      slot.inheritance.push_back(item);
      ids.push_back(*id);
    } else {
      unusable.push_back(item);
    }
  }
  slot.escrow.close(left);
  if (const ClosedClients closed = slot.escrow.close(unusable); closed.all() > 0) {
    count_closed(closed);
    log::error("worker {}: {} listeners were closed, since their records make no sense",
               slot.number, closed.all());
  }
  return ids;
}

void Supervisor::say_gone(WorkerSlot& slot) {
  events_.on_worker_gone(slot.number, take_stock(slot));
}

std::unique_ptr<WorkerChild> Supervisor::take_slot(WorkerSlot& slot) {
  const WorkerCounters& counters = scoreboard_.counters(slot.number);
  past_totals_ += continuity_totals(counters);
  past_activity_ += activity_totals(counters);
  const std::uint64_t known = counters.listeners.get() + counters.notify_clients.get();
  past_totals_.requests_dropped += std::max(counters.connections.get(), known) - known;
  scoreboard_.clear(slot.number);
  slot.ready = false;
  std::unique_ptr<WorkerChild> child = std::move(slot.child);
  if (for_good_) {
    slot.escrow.close_all();
  }
  kicks_.on_worker_gone(slot.number);
  return child;
}

void Supervisor::restart_after(WorkerSlot& slot, std::chrono::milliseconds delay) {
  if (for_good_) {
    return;
  }
  slot.restart_timer = loop_.call_after(delay, [this, &slot] {
    slot.restart_timer = EventLoop::no_timer;
    start(slot);
  });
}

void Supervisor::on_message(WorkerSlot& slot, WorkerChild& child, WorkerMessage* message) {
  if (message == nullptr) {
    complain(slot, "sent a message that cannot be understood; ignored");
  } else if (message->type == WorkerMessageType::standby) {
    if (&child == slot.successor.get()) {
      replacement_.on_standby(slot);
    } else if (&child == slot.child.get() && !child.is_heir()) {
      bequeath(slot);
    }
  } else if (&child == slot.child.get()) {
    on_message_of_child(slot, *message);
  } else {
    complain(slot, "sent a message while the slot is not its own; ignored");
  }
}

void Supervisor::on_message_of_child(WorkerSlot& slot, WorkerMessage& message) {
  switch (message.type) {
    case WorkerMessageType::ready:
      on_ready(slot);
      break;
    case WorkerMessageType::audience:
      events_.on_audience(slot.number, message.audience);
      break;
    case WorkerMessageType::escrow:
      take_into_escrow(slot, message);
      break;
    case WorkerMessageType::release:
      slot.escrow.release(message.escrow);
      break;
    case WorkerMessageType::kicked:
      for (const KickAnswer& answer : message.kick_answers) {
        kicks_.on_answer(slot.number, answer);
      }
      break;
    case WorkerMessageType::handed_over:
      if (slot.leaving) {
        on_handed_over(slot);
      } else {
        complain(slot, "has left its slot without being told; ignored");
      }
      break;
    case WorkerMessageType::adopt:
    case WorkerMessageType::adopt_end:
    case WorkerMessageType::stop:
    case WorkerMessageType::hand_over:
    case WorkerMessageType::vote_answers:
    case WorkerMessageType::kick:
    case WorkerMessageType::log_level:
    case WorkerMessageType::log_file:
    case WorkerMessageType::not_held:
    case WorkerMessageType::offer:
    case WorkerMessageType::standby:
      complain(slot, "sent a message that only a master sends; ignored");
      break;
  }
}

std::size_t Supervisor::room_for(const WorkerSlot& slot) const {
  std::vector<std::size_t> held;
  for (const WorkerSlot& each : slots_) {
    held.push_back(each.escrow.size());
  }
  return escrow_room(escrow_max_, held, slot.number);
}

void Supervisor::take_into_escrow(WorkerSlot& slot, WorkerMessage& message) {
  const std::size_t room = room_for(slot);
  if (message.descriptors.size() > room) {
    message.descriptors.resize(room);
  }
  const std::size_t taken = slot.escrow.take(message.escrow, message.descriptors);
  if (taken < message.escrow.size()) {
    slot.child->tell_not_held(std::span(message.escrow).subspan(taken));
    complain(slot,
             "has more listeners than this process can hold descriptors of; some would be "
             "disconnected if it died");
  }
}

void Supervisor::ask_for_those_not_held(WorkerSlot& slot) {
  constexpr std::size_t clients_max = 1024;  // at once: the source's frames come first
  if (!settings_.escrow || !slot.ready || slot.leaving) {
    return;
  }
  const WorkerCounters& counters = scoreboard_.counters(slot.number);
  const std::size_t room = room_for(slot);
  if (room > 0 && counters.listeners.get() + counters.notify_clients.get() > slot.escrow.size()) {
    slot.child->ask_again(std::min(room, clients_max));
  }
}

std::size_t Supervisor::held_in_escrow() const noexcept {
  std::size_t held = 0;
  for (const WorkerSlot& slot : slots_) {
    held += slot.escrow.size();
  }
  return held;
}

void Supervisor::on_ready(WorkerSlot& slot) {
  log::info("worker {}: process {} serves", slot.number, slot.child->process());
  slot.ready = true;
  slot.ready_ns = monotonic_ns();
  if (const WorkerProgram& program = slot.child->program(); program && program->file) {
    slot.served = program;
  }
  slot.distrusts_served = false;
  if (std::all_of(slots_.begin(), slots_.end(), [](const WorkerSlot& s) { return s.ready; })) {
    all_ready_();
  }
  replacement_.on_ready(slot);
}

void Supervisor::complain(WorkerSlot& slot, const char* what) {
  if (slot.complaints.admit(monotonic_ns())) {
    log::error("worker {}: {}", slot.number, what);
  }
}

void Supervisor::answer_vote(std::size_t slot, const VoteAnswer& answer) {
  if (slots_[slot].child && !slots_[slot].child->answer_vote(answer)) {
    complain(slots_[slot], "does not read its messages");
  }
}

bool Supervisor::on_exited(pid_t process, int wait_status) {
  const auto is_it = [&](const std::unique_ptr<WorkerChild>& child) {
    return child && child->process() == process;
  };
  if (const auto departed = std::find_if(departed_.begin(), departed_.end(), is_it);
      departed != departed_.end()) {
    (*departed)->kill_what_it_left();
    departed_.erase(departed);
    return true;
  }
  for (WorkerSlot& slot : slots_) {
    if (is_it(slot.child)) {
      on_child_exited(slot, wait_status);
      return true;
    }
    if (is_it(slot.successor)) {
      replacement_.on_successor_lost(slot, "the new process " + describe_exit(wait_status));
      return true;
    }
  }
  return false;
}

void Supervisor::on_child_exited(WorkerSlot& slot, int wait_status) {
  const pid_t process = slot.child->process();
  slot.child->hear_last_words();
  if (!slot.child || slot.child->process() != process) {
    // Its last word was that it has handed over: then it has departed, like others before it.
    static_cast<void>(on_exited(process, wait_status));
    return;
  }
  const bool lived = has_lived(slot);
  if (!slot.ready) {
    slot.distrusts_served = slot.child->program() == slot.served;
  }
  const std::uint64_t listeners = scoreboard_.counters(slot.number).listeners.get();
  const std::chrono::milliseconds lifetime{(monotonic_ns() - slot.since_ns) / ns_per_ms};
  const auto child = take_slot(slot);
  child->kill_what_it_left();
  if (lived) {
    slot.escrow.exonerate();
  } else if (const ClosedClients closed = slot.escrow.blame(child->given()); closed.all() > 0) {
    count_closed(closed);
    log::error(
        "worker {}: {} connections were closed, since two workers in a row died right after "
        "going on with them",
        slot.number, closed.all());
  }
  if (for_good_) {
    say_gone(slot);
    return;
  }
  ++slot.crashes;
  const bool has_heir = slot.successor || slot.leaving;
  const auto delay = has_heir ? std::chrono::milliseconds(0) : slot.respawn.on_death(lifetime);
  log::error(
      "worker {}: process {} {} after {} ms with {} listeners; replaced in {} ms, by one "
      "that goes on with {} connections",
      slot.number, process, describe_exit(wait_status), lifetime.count(), listeners, delay.count(),
      slot.escrow.size());
  // First the process, which takes its time: it touches nothing before it is given the inheritance.
  // A successor that others are to hand over to as well gets the slot when they have.
  if (slot.leaving || (slot.successor && slots_.surplus_of(slot).empty())) {
    replacement_.on_left(slot);
  } else if (!slot.successor && delay.count() == 0) {
    start(slot);
  } else if (!slot.successor) {
    restart_after(slot, delay);
  }
  if (!slot.child || !slot.child->is_heir()) {  // else that was said when it got the slot
    say_gone(slot);
  }
}

void Supervisor::count_closed(const ClosedClients& closed) {
  past_totals_.not_adopted += closed.listeners;
  past_totals_.notify_not_adopted += closed.notify_clients;
}

bool Supervisor::has_lived(const WorkerSlot& slot) {
  constexpr std::int64_t lived_ns = 100 * ns_per_ms;
  return slot.ready && monotonic_ns() - slot.ready_ns >= lived_ns;
}

void Supervisor::on_handed_over(WorkerSlot& slot) {
  slot.escrow.exonerate();
  auto old = take_slot(slot);
  log::debug("worker {}: process {} has handed over {} connections", slot.number, old->process(),
             slot.escrow.size());
  old->forget();
  old->kill();  // the connections are another's now, whatever it still has in mind
  departed_.push_back(std::move(old));
  replacement_.on_left(slot);
}

void Supervisor::move_listeners(WorkerSlot& from, WorkerSlot& to) {
  std::uint32_t place = 0;
  for (const EscrowItem& item : from.escrow.items()) {
    place = to.escrow.free_record(place);
    if (listeners_[to.number].take_from(listeners_[from.number], item.record, item.serial, place)) {
      to.escrow.take_from(from.escrow, item, place);
    }
  }
  if (from.escrow.size() > 0) {
    log::error("worker {}: {} listeners were closed, since worker {} cannot have them", from.number,
               from.escrow.size(), to.number);
    count_closed(from.escrow.close_all());
  }
  listeners_[from.number].clear();
  listeners_[to.number].take_departed_from(listeners_[from.number]);
}

void Supervisor::change(const WorkerSettings& settings, std::chrono::milliseconds timeout,
                        std::size_t escrow_max) {
  want_slots(settings.workers);
  const std::string log_level = settings_.log_level;
  settings_ = settings;
  settings_.log_level = log_level;  // set_log_level()'s business
  timeout_ = timeout;
  escrow_max_ = escrow_max;
}

void Supervisor::stop_for_good(std::chrono::milliseconds grace) {
  for_good_ = true;
  loop_.cancel(heartbeat_timer_);
  for (WorkerSlot& slot : slots_) {
    loop_.cancel(slot.restart_timer);
    if (slot.successor) {
      slot.successor->kill();  // it has nobody to say goodbye to
    }
    if (slot.child &&
        send_worker_message(slot.child->control(), WorkerMessageType::stop) != SendResult::sent) {
      slot.child->kill();
    }
  }
  replacement_.stop();
  loop_.cancel(kill_timer_);
  kill_timer_ = loop_.call_after(grace, [this] {
    kill_timer_ = EventLoop::no_timer;
    for (const WorkerSlot& slot : slots_) {
      if (slot.child) {
        log::warning("worker {}: did not stop; killed", slot.number);
        slot.child->kill();
      }
    }
    for (const auto& child : departed_) {
      child->kill();
    }
  });
}

void Supervisor::look_at_workers() {
  constexpr std::chrono::milliseconds interval{250};
  const std::int64_t now_ns = monotonic_ns();
  // If we were held up ourselves (SIGSTOP, a busy machine), the workers may have been, too: they
  // get the time until the next look.
  const bool held_up =
      now_ns - heartbeats_read_ns_ > 4 * std::chrono::nanoseconds(interval).count();
  heartbeats_read_ns_ = now_ns;
  for (WorkerSlot& slot : slots_) {
    if (!held_up) {
      kill_if_hung(slot, now_ns);
    }
    ask_for_those_not_held(slot);
    if (slot.child && !slot.child->given().empty() && has_lived(slot)) {
      slot.escrow.exonerate();
      slot.child->forget_given();
    }
  }
  heartbeat_timer_ = loop_.call_after(interval, [this] { look_at_workers(); });
}

void Supervisor::kill_if_hung(WorkerSlot& slot, std::int64_t now_ns) {
  // Not in the future, or a worker could say that it will live for ever.
  const std::int64_t beat_ns = std::min(listeners_[slot.number].heartbeat_ns(), now_ns);
  const std::int64_t silent_ms = (now_ns - std::max(beat_ns, slot.since_ns)) / ns_per_ms;
  if (slot.child && !slot.hung && silent_ms >= timeout_.count()) {
    slot.hung = true;
    log::error("worker {}: process {} has given no sign of life for {} ms; killed", slot.number,
               slot.child->process(), silent_ms);
    slot.child->kill();
  }
}

void Supervisor::kick(KickOrder order, Kicks::Done done) {
  order.token = kicks_.make_token();
  std::set<std::size_t> told;
  bool complete = true;
  for (const WorkerSlot& slot : slots_) {
    if (!slot.child || !slot.ready) {
      complete = complete && slot.escrow.size() == 0;  // whom nobody serves just now
    }
    if (!slot.child) {
      continue;
    }
    const bool sent =
        send_worker_message(slot.child->control(), std::span<const KickOrder>(&order, 1)) ==
        SendResult::sent;
    complete = complete && sent;
    if (sent) {
      told.insert(slot.number);
    }
  }
  kicks_.expect(order.token, std::move(told), complete, std::move(done));
  loop_.call_after(kick_time_max, [this, token = order.token] { kicks_.give_up(token); });
}

bool Supervisor::set_log_level(LogLevel level) {
  settings_.log_level = name_of(level);
  bool all_told = true;
  for (const WorkerSlot& slot : slots_) {
    // One that is dying needs to be told no more.
    if (slot.child && send_worker_message(slot.child->control(), level) == SendResult::full) {
      log::warning("worker {}: does not read its messages; its log level stays", slot.number);
      all_told = false;
    }
  }
  return all_told;
}

void Supervisor::set_log_file(int descriptor) {
  log_descriptor_ = descriptor;
  for (const WorkerSlot& slot : slots_) {
    if (slot.child && send_log_file(slot.child->control(), descriptor) == SendResult::full) {
      log::warning("worker {}: does not read its messages; its log stays where it was",
                   slot.number);
    }
  }
}

std::vector<WorkerProcess> Supervisor::workers() const {
  std::vector<WorkerProcess> workers;
  for (const WorkerSlot& slot : slots_) {
    if (slot.retired) {
      continue;
    }
    const WorkerChild* const child = slot.child.get();
    workers.push_back({.slot = slot.number,
                       .process = child == nullptr ? 0 : child->process(),
                       .generation = child == nullptr ? 0 : child->generation(),
                       .restarts = slot.starts > 0 ? slot.starts - 1 : 0,
                       .crashes = slot.crashes,
                       .started_ns = child == nullptr ? 0 : child->started_ns(),
                       .ready = slot.ready});
  }
  return workers;
}

bool Supervisor::any_running() const noexcept {
  return !departed_.empty() ||
         std::any_of(slots_.begin(), slots_.end(),
                     [](const WorkerSlot& slot) { return slot.child || slot.successor; });
}

}  // namespace eradio
