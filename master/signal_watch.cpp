#include "master/signal_watch.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <utility>

#include "common/system_error.h"

namespace eradio {
namespace {

Descriptor block_and_watch(std::initializer_list<int> signals) {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal_number : signals) {
    ::sigaddset(&set, signal_number);
  }
  check_syscall(::sigprocmask(SIG_BLOCK, &set, nullptr), "sigprocmask");
  return Descriptor(check_syscall(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), "signalfd"));
}

}  // namespace

SignalWatch::SignalWatch(EventLoop& loop, std::initializer_list<int> signals,
                         std::function<void(int)> on_signal)
    : descriptor_(block_and_watch(signals)),
      on_signal_(std::move(on_signal)),
      watch_(loop, descriptor_.number(), EPOLLIN, [this](std::uint32_t) { on_readable(); }) {}

void SignalWatch::on_readable() {
  signalfd_siginfo info{};
  while (::read(descriptor_.number(), &info, sizeof info) == sizeof info) {
    on_signal_(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace eradio
