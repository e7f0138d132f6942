#include "master/supervisor.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <system_error>
#include <utility>

#include "common/child_process.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/system_error.h"

namespace eradio {
namespace {

constexpr std::ptrdiff_t unsent_answers_max = 8192;  // twice what a worker can wait for

}  // namespace

Supervisor::Supervisor(EventLoop& loop, std::filesystem::path program,
                       const WorkerSettings& settings, std::chrono::milliseconds timeout,
                       const ListeningSockets& sockets, const Publisher& publisher,
                       Scoreboard& scoreboard, std::vector<ListenerTable>& listeners,
                       WorkerEvents& events, std::function<void()> all_ready)
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
      timeout_(timeout) {
  slots_.reserve(settings.workers);  // their callbacks know them by reference
  for (std::size_t number = 0; number < settings.workers; ++number) {
    slots_.emplace_back(number);
  }
}

Supervisor::~Supervisor() {
  loop_.cancel(answer_timer_);
  loop_.cancel(kill_timer_);
  loop_.cancel(heartbeat_timer_);
  for (Slot& slot : slots_) {
    loop_.cancel(slot.restart_timer);
    loop_.cancel(slot.bequest_timer);
  }
}

void Supervisor::start_all() {
  for (Slot& slot : slots_) {
    start(slot);
  }
  heartbeats_read_ns_ = monotonic_ns();
  kill_hung_workers();
}

void Supervisor::start(Slot& slot) {
  slot.ready = false;
  slot.hung = false;
  slot.started_ns = monotonic_ns();
  try {
    start_program(slot);
    log::debug("worker {}: process {} started", slot.number, slot.process);
  } catch (const std::system_error& error) {
    // Descriptors, memory or processes can be short for a while: the others go on.
    log::error("worker {}: {}", slot.number, error.what());
    if (slot.process > 0) {
      ::kill(slot.process, SIGKILL);  // and SIGCHLD will have it started again
    } else {
      restart_after(slot, std::max(slot.respawn.on_death(std::chrono::milliseconds(0)),
                                   std::chrono::milliseconds(100)));
    }
  }
}

void Supervisor::start_program(Slot& slot) {
  std::array<int, 2> ends{};
  check_syscall(
      ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()),
      "socketpair");
  Descriptor ours(ends[0]);
  const Descriptor theirs(ends[1]);

  WorkerSettings settings = settings_;
  settings.slot = static_cast<std::uint32_t>(slot.number);
  settings.generation = slot.generation = ++generations_;
  slot.inheritance = slot.escrow.items();
  slot.bequeathed = 0;
  settings.inherits = !slot.inheritance.empty();
  if (!settings.inherits) {
    listeners_[slot.number].clear();
  }
  settings.tcp_sockets = static_cast<std::uint32_t>(sockets_.tcp(slot.number).size());
  settings.unix_socket = sockets_.unix_socket() >= 0;

  ChildProgram child{
      .arguments = {program_.string(), encode_worker_settings(settings)},
      .environment = {},
      .descriptors = {{theirs.number(), worker_descriptor::control},
                      {publisher_.wakeup(slot.number), worker_descriptor::wakeup},
                      {stream_read_only_.number(), worker_descriptor::stream},
                      {scoreboard_.descriptor(), worker_descriptor::scoreboard},
                      {listeners_[slot.number].descriptor(), worker_descriptor::listeners}},
      .own_session = true};  // Ctrl-C at a terminal is for the master alone
  int next = worker_descriptor::first_listening_socket;
  for (const Descriptor& socket : sockets_.tcp(slot.number)) {
    child.descriptors.push_back({socket.number(), next++});
  }
  if (settings.unix_socket) {
    child.descriptors.push_back({sockets_.unix_socket(), next++});
  }

  slot.process = start_child(child);
  ++slot.starts;
  slot.control = std::move(ours);
  slot.watch = std::make_unique<Watch>(loop_, slot.control.number(), EPOLLIN,
                                       [this, &slot](std::uint32_t) { on_control(slot); });
  if (settings.inherits) {
    bequeath(slot);
  }
}

void Supervisor::bequeath(Slot& slot) {
  constexpr std::chrono::milliseconds retry_after_full{1};
  constexpr int messages_per_turn = 32;  // the source's frames come first
  slot.bequest_timer = EventLoop::no_timer;
  for (int i = 0; i < messages_per_turn; ++i) {
    std::vector<EscrowItem> items;
    std::vector<int> descriptors;
    std::size_t next = slot.bequeathed;
    for (; next < slot.inheritance.size() && items.size() < worker_message_descriptors_max;
         ++next) {
      if (const int socket = slot.escrow.descriptor(slot.inheritance[next]); socket >= 0) {
        items.push_back(slot.inheritance[next]);
        descriptors.push_back(socket);
      }
    }
    const int control = slot.control.number();
    const SendResult result =
        items.empty() ? send_worker_message(control, WorkerMessageType::adopt_end)
                      : send_worker_message(control, WorkerMessageType::adopt, items, descriptors);
    if (result == SendResult::gone || (result == SendResult::sent && items.empty())) {
      return;
    }
    if (result == SendResult::full) {
      break;
    }
    slot.bequeathed = next;
  }
  slot.bequest_timer = loop_.call_after(retry_after_full, [this, &slot] { bequeath(slot); });
}

void Supervisor::restart_after(Slot& slot, std::chrono::milliseconds delay) {
  slot.restart_timer = loop_.call_after(delay, [this, &slot] {
    slot.restart_timer = EventLoop::no_timer;
    start(slot);
  });
}

void Supervisor::on_control(Slot& slot) {
  WorkerMessage message;
  switch (receive_worker_message(slot.control.number(), message)) {
    case ReceiveResult::nothing:
      break;
    case ReceiveResult::closed:
      slot.watch.reset();  // it is dying: SIGCHLD will tell how
      break;
    case ReceiveResult::malformed:
      complain(slot, "sent a message that cannot be understood; ignored");
      break;
    case ReceiveResult::message:
      on_message(slot, message);
      break;
  }
}

void Supervisor::on_message(Slot& slot, WorkerMessage& message) {
  switch (message.type) {
    case WorkerMessageType::ready:
      log::info("worker {}: process {} serves", slot.number, slot.process);
      slot.ready = true;
      slot.ready_ns = monotonic_ns();
      if (std::all_of(slots_.begin(), slots_.end(), [](const Slot& s) { return s.ready; })) {
        all_ready_();
      }
      break;
    case WorkerMessageType::audience:
      events_.on_audience(slot.number, message.audience);
      break;
    case WorkerMessageType::escrow:
      if (message.descriptors.size() < message.escrow.size()) {
        complain(slot,
                 "has given descriptors that this process cannot have as well; its death "
                 "would disconnect these listeners");
      }
      slot.escrow.take(message.escrow, message.descriptors);
      break;
    case WorkerMessageType::release:
      slot.escrow.release(message.escrow);
      break;
    case WorkerMessageType::kicked:
      for (const KickAnswer& answer : message.kick_answers) {
        kicks_.on_answer(slot.number, answer);
      }
      break;
    case WorkerMessageType::adopt:
    case WorkerMessageType::adopt_end:
    case WorkerMessageType::stop:
    case WorkerMessageType::vote_answers:
    case WorkerMessageType::kick:
    case WorkerMessageType::log_level:
      complain(slot, "sent a message that only a master sends; ignored");
      break;
  }
}

void Supervisor::complain(Slot& slot, const char* what) {
  if (slot.complaints.admit(monotonic_ns())) {
    log::error("worker {}: {}", slot.number, what);
  }
}

void Supervisor::answer_vote(std::size_t slot, const VoteAnswer& answer) {
  auto& unsent = slots_.at(slot).unsent_answers;
  if (std::ssize(unsent) >= unsent_answers_max) {
    unsent.erase(unsent.begin(), unsent.begin() + unsent_answers_max / 2);
    complain(slots_[slot], "does not read its messages");
  }
  unsent.push_back(answer);
  expect_answers(std::chrono::milliseconds(0));  // all of this turn together
}

void Supervisor::expect_answers(std::chrono::milliseconds delay) {
  if (answer_timer_ == EventLoop::no_timer) {
    answer_timer_ = loop_.call_after(delay, [this] {
      answer_timer_ = EventLoop::no_timer;
      send_answers();
    });
  }
}

void Supervisor::send_answers() {
  constexpr std::chrono::milliseconds retry_after_full{10};
  for (Slot& slot : slots_) {
    std::span<const VoteAnswer> left = slot.unsent_answers;
    while (!left.empty()) {
      const auto some = left.first(std::min(left.size(), worker_message_items_max));
      const SendResult result =
          slot.control ? send_worker_message(slot.control.number(), some) : SendResult::gone;
      if (result == SendResult::full) {
        expect_answers(retry_after_full);
        break;
      }
      left = result == SendResult::gone ? left.last(0) : left.subspan(some.size());
    }
    slot.unsent_answers.erase(slot.unsent_answers.begin(),
                              slot.unsent_answers.end() - static_cast<std::ptrdiff_t>(left.size()));
  }
}

bool Supervisor::on_exited(pid_t process, int wait_status) {
  const auto found = std::find_if(slots_.begin(), slots_.end(),
                                  [&](const Slot& slot) { return slot.process == process; });
  if (found == slots_.end()) {
    return false;
  }
  Slot& slot = *found;
  while (slot.control && slot.watch) {  // what it has said before it died
    WorkerMessage message;
    if (receive_worker_message(slot.control.number(), message) != ReceiveResult::message) {
      break;
    }
    on_message(slot, message);
  }
  const std::uint64_t listeners = scoreboard_.counters(slot.number).listeners.get();
  past_totals_ += stream_totals(scoreboard_.counters(slot.number));
  scoreboard_.clear(slot.number);
  loop_.cancel(slot.bequest_timer);
  slot.watch.reset();
  slot.control.reset();
  slot.unsent_answers.clear();
  slot.process = 0;
  slot.ready = false;
  events_.on_worker_gone(slot.number, settle_escrow(slot));
  kicks_.on_worker_gone(slot.number);
  if (!for_good_) {
    const std::chrono::milliseconds lifetime{(monotonic_ns() - slot.started_ns) / ns_per_ms};
    const auto delay = slot.respawn.on_death(lifetime);
    log::error(
        "worker {}: process {} {} after {} ms with {} listeners; replaced in {} ms, by one "
        "that goes on with {}",
        slot.number, process, describe_exit(wait_status), lifetime.count(), listeners,
        delay.count(), slot.escrow.size());
    restart_after(slot, delay);
  }
  return true;
}

std::vector<std::uint64_t> Supervisor::settle_escrow(Slot& slot) {
  if (for_good_) {
    slot.escrow.close_all();
  }
  constexpr std::int64_t lived_ns = 100 * ns_per_ms;
  if (slot.ready_ns > slot.started_ns && monotonic_ns() - slot.ready_ns >= lived_ns) {
    slot.escrow.exonerate();
  } else if (const std::size_t closed = slot.escrow.blame(slot.inheritance); closed > 0) {
    log::error(
        "worker {}: {} listeners were closed, since two workers in a row died right after "
        "going on with them",
        slot.number, closed);
  }
  std::vector<std::uint64_t> ids;
  for (const EscrowItem& item : slot.escrow.items()) {
    ids.push_back(item.listener_id);
  }
  return ids;
}

void Supervisor::stop_for_good(std::chrono::milliseconds grace) {
  for_good_ = true;
  loop_.cancel(heartbeat_timer_);
  for (Slot& slot : slots_) {
    loop_.cancel(slot.restart_timer);
    if (slot.process > 0 &&
        send_worker_message(slot.control.number(), WorkerMessageType::stop) != SendResult::sent) {
      ::kill(slot.process, SIGKILL);
    }
  }
  loop_.cancel(kill_timer_);
  kill_timer_ = loop_.call_after(grace, [this] {
    kill_timer_ = EventLoop::no_timer;
    for (const Slot& slot : slots_) {
      if (slot.process > 0) {
        log::warning("worker {}: did not stop; killed", slot.number);
        ::kill(slot.process, SIGKILL);
      }
    }
  });
}

void Supervisor::kill_hung_workers() {
  constexpr std::chrono::milliseconds interval{250};
  const std::int64_t now_ns = monotonic_ns();
  // If we were held up ourselves (SIGSTOP, a busy machine), the workers may have been, too: they
  // get the time until the next look.
  const bool held_up =
      now_ns - heartbeats_read_ns_ > 4 * std::chrono::nanoseconds(interval).count();
  heartbeats_read_ns_ = now_ns;
  for (Slot& slot : slots_) {
    const auto beat_ns =
        static_cast<std::int64_t>(scoreboard_.counters(slot.number).heartbeat_ns.get());
    const std::int64_t silent_ms = (now_ns - std::max(beat_ns, slot.started_ns)) / ns_per_ms;
    if (!held_up && slot.process > 0 && !slot.hung && silent_ms >= timeout_.count()) {
      slot.hung = true;
      log::error("worker {}: process {} has given no sign of life for {} ms; killed", slot.number,
                 slot.process, silent_ms);
      ::kill(slot.process, SIGKILL);
    }
  }
  heartbeat_timer_ = loop_.call_after(interval, [this] { kill_hung_workers(); });
}

void Supervisor::kick(KickOrder order, Kicks::Done done) {
  order.token = kicks_.make_token();
  std::set<std::size_t> told;
  bool complete = true;
  for (const Slot& slot : slots_) {
    if (!slot.control) {
      continue;  // it has no listeners
    }
    const bool sent =
        send_worker_message(slot.control.number(), std::span<const KickOrder>(&order, 1)) ==
        SendResult::sent;
    complete = complete && sent;
    if (sent) {
      told.insert(slot.number);
    }
  }
  kicks_.expect(order.token, std::move(told), complete, std::move(done));
}

bool Supervisor::set_log_level(LogLevel level) {
  settings_.log_level = name_of(level);
  bool all_told = true;
  for (const Slot& slot : slots_) {
    // One that is dying needs to be told no more.
    if (slot.control && send_worker_message(slot.control.number(), level) == SendResult::full) {
      log::warning("worker {}: does not read its messages; its log level stays", slot.number);
      all_told = false;
    }
  }
  return all_told;
}

std::vector<WorkerProcess> Supervisor::workers() const {
  std::vector<WorkerProcess> workers;
  for (const Slot& slot : slots_) {
    workers.push_back({.slot = slot.number,
                       .process = slot.process,
                       .generation = slot.generation,
                       .restarts = slot.starts > 0 ? slot.starts - 1 : 0,
                       .started_ns = slot.started_ns,
                       .ready = slot.ready});
  }
  return workers;
}

bool Supervisor::any_running() const noexcept {
  return std::any_of(slots_.begin(), slots_.end(),
                     [](const Slot& slot) { return slot.process > 0; });
}

}  // namespace eradio
