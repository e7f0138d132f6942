#include "worker/sandbox.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <linux/landlock.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <functional>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <type_traits>

#include <seccomp.h>

#include "common/descriptor.h"
#include "common/system_error.h"

namespace eradio {
namespace {

#ifdef ERADIO_SANITIZED
// Sanitizers start threads and programs, read /proc and look at other processes: what a sandbox is
// to prevent. So these builds have none but for the privileges.
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

// Calls that a worker makes, and those that libraries make for it. Numbers are libseccomp's: those
// that this machine's kernel does not have are left out.
constexpr std::array allowed_calls{
    // Sockets, that others have made.
    SCMP_SYS(accept4), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
    SCMP_SYS(shutdown), SCMP_SYS(getsockopt), SCMP_SYS(getpeername), SCMP_SYS(getsockname),
    // The loop.
    SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
    SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
    SCMP_SYS(time), SCMP_SYS(restart_syscall),
    // What is open.
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(pread64), SCMP_SYS(lseek),
    SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(fstat64),
    // Memory; mmap and mprotect are below.
    SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
    // The C and C++ libraries, and abort().
    SCMP_SYS(futex), SCMP_SYS(getrandom), SCMP_SYS(sched_yield), SCMP_SYS(getpid), SCMP_SYS(gettid),
    SCMP_SYS(sysinfo), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(exit), SCMP_SYS(exit_group)};

// Finding files by looking at paths: only where the kernel does not confine them, since what a path
// leads to could be looked at all over the machine. Opening, below, is enough where it does.
constexpr std::array path_calls{SCMP_SYS(newfstatat), SCMP_SYS(fstatat64), SCMP_SYS(statx),
                                SCMP_SYS(stat),       SCMP_SYS(lstat),     SCMP_SYS(readlink),
                                SCMP_SYS(readlinkat), SCMP_SYS(getcwd)};

// No library makes these behind one's back: whoever does has taken the process over.
constexpr std::array deadly_calls{SCMP_SYS(execve),
                                  SCMP_SYS(execveat),
                                  SCMP_SYS(fork),
                                  SCMP_SYS(vfork),
                                  SCMP_SYS(clone),
                                  SCMP_SYS(clone3),
                                  SCMP_SYS(ptrace),
                                  SCMP_SYS(process_vm_readv),
                                  SCMP_SYS(process_vm_writev),
                                  SCMP_SYS(pidfd_getfd),
                                  SCMP_SYS(bpf),
                                  SCMP_SYS(userfaultfd),
                                  SCMP_SYS(perf_event_open),
                                  SCMP_SYS(add_key),
                                  SCMP_SYS(request_key),
                                  SCMP_SYS(keyctl),
                                  SCMP_SYS(mount),
                                  SCMP_SYS(umount2),
                                  SCMP_SYS(pivot_root),
                                  SCMP_SYS(chroot),
                                  SCMP_SYS(setns),
                                  SCMP_SYS(unshare),
                                  SCMP_SYS(open_by_handle_at),
                                  SCMP_SYS(init_module),
                                  SCMP_SYS(finit_module),
                                  SCMP_SYS(delete_module),
                                  SCMP_SYS(kexec_load),
                                  SCMP_SYS(reboot)};

struct ReleaseFilter {
  void operator()(void* filter) const noexcept { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, ReleaseFilter>;

// libseccomp returns negative errno values.
void check_seccomp(int result, const char* context) {
  if (result < 0) {
    throw_system_error(context, -result);
  }
}

void allow(const Filter& filter, int call, std::initializer_list<scmp_arg_cmp> conditions = {}) {
  check_seccomp(
      ::seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, call,
                               static_cast<unsigned>(conditions.size()), conditions.begin()),
      "seccomp_rule_add");
}

// Only the low 32 bits of an int count; the kernel's comparison is of 64.
scmp_arg_cmp argument_is(unsigned argument, int value) {
  return {.arg = argument,
          .op = SCMP_CMP_MASKED_EQ,
          .datum_a = 0xffffffff,
          .datum_b = static_cast<std::uint32_t>(value)};
}

scmp_arg_cmp argument_has_none_of(unsigned argument, std::uint64_t bits) {
  return {.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = bits, .datum_b = 0};
}

void allow_ring(const Filter& filter) {
  allow(filter, SCMP_SYS(io_uring_enter));
  allow(filter, SCMP_SYS(io_uring_register), {argument_is(1, IORING_REGISTER_FILES_UPDATE)});
}

void allow_with_conditions(const Filter& filter) {
  // The send queue; FIONREAD.
  for (const int request : {TIOCOUTQ, SIOCOUTQNSD, FIONREAD}) {
    allow(filter, SCMP_SYS(ioctl), {argument_is(1, request)});
  }
  // No flags are set: listening sockets are every worker's, those to come included, and nobody may
  // make them wait; a log file is everybody's, and is written to at its end alone.
  for (const int command : {F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL}) {
    allow(filter, SCMP_SYS(fcntl), {argument_is(1, command)});
  }
  for (const int option : {SO_SNDBUF, SO_KEEPALIVE, SO_LINGER}) {
    allow(filter, SCMP_SYS(setsockopt), {argument_is(1, SOL_SOCKET), argument_is(2, option)});
  }
  for (const int option :
       {TCP_NODELAY, TCP_NOTSENT_LOWAT, TCP_USER_TIMEOUT, TCP_KEEPIDLE, TCP_KEEPINTVL}) {
    allow(filter, SCMP_SYS(setsockopt), {argument_is(1, IPPROTO_TCP), argument_is(2, option)});
  }
  // Where the log goes.
  allow(filter, SCMP_SYS(dup3), {argument_is(1, STDERR_FILENO)});
  // With O_PATH, nothing is opened, and so Landlock looks away.
  constexpr std::uint64_t not_for_reading =
      O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_PATH | (O_TMPFILE & ~O_DIRECTORY);
  allow(filter, SCMP_SYS(openat), {argument_has_none_of(2, not_for_reading)});
  allow(filter, SCMP_SYS(mmap), {argument_has_none_of(2, PROT_EXEC)});
  allow(filter, SCMP_SYS(mprotect), {argument_has_none_of(2, PROT_EXEC)});
  allow(filter, SCMP_SYS(prlimit64), {argument_is(0, 0), {2, SCMP_CMP_EQ, 0, 0}});  // asks only
  allow(filter, SCMP_SYS(tgkill), {argument_is(0, ::getpid())});
}

// ENOSYS and not EPERM: a C library that tries a newer call takes an older one instead.
void filter_system_calls(bool files_confined, bool sends_through_ring) {
  const Filter filter(::seccomp_init(SCMP_ACT_ERRNO(ENOSYS)));
  if (!filter) {
    throw std::runtime_error("seccomp_init");
  }
  const auto set = [&](scmp_filter_attr attribute, std::uint32_t value) {
    check_seccomp(::seccomp_attr_set(filter.get(), attribute, value), "seccomp_attr_set");
  };
  set(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  set(SCMP_FLTATR_CTL_LOG, 1);
  // A worker runs no code of others, against whose guesses older kernels would slow it down.
  set(SCMP_FLTATR_CTL_SSB, 1);
  constexpr std::uint32_t binary_tree = 2;
  set(SCMP_FLTATR_CTL_OPTIMIZE, binary_tree);
  for (const int call : allowed_calls) {
    allow(filter, call);
  }
  if (!files_confined || !status_needs_no_path) {
    for (const int call : path_calls) {
      allow(filter, call);
    }
  }
  allow_with_conditions(filter);
  if (sends_through_ring) {
    allow_ring(filter);
  }
  for (const int call : deadly_calls) {
    check_seccomp(::seccomp_rule_add(filter.get(), SCMP_ACT_KILL_PROCESS, call, 0),
                  "seccomp_rule_add");
  }
  check_seccomp(::seccomp_load(filter.get()), "seccomp_load");
}

// Whatever else could be done with a file is not handled here since no call for it is allowed.
void confine_files(const std::string& webroot) {
  constexpr int truncate_since = 3;                            // versions of Landlock
  constexpr std::uint64_t truncate = std::uint64_t{1} << 14U;  // Debian 12's header has it not yet
  const auto version = check_syscall(
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION),
      "landlock_create_ruleset");
  landlock_ruleset_attr handled{};
  handled.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1U) - 1;  // all of version 1
  if (version >= truncate_since) {
    handled.handled_access_fs |= truncate;
  }
  const Descriptor rules(static_cast<int>(
      check_syscall(::syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0),
                    "landlock_create_ruleset")));
  if (const Descriptor directory(::open(webroot.c_str(), O_PATH | O_CLOEXEC)); directory) {
    landlock_path_beneath_attr readable{};
    // Directories, too, so that one can be told from what is not there; no call lists them.
    readable.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    readable.parent_fd = directory.number();
    check_syscall(
        ::syscall(SYS_landlock_add_rule, rules.number(), LANDLOCK_RULE_PATH_BENEATH, &readable, 0),
        "landlock_add_rule");
  }
  check_syscall(::syscall(SYS_landlock_restrict_self, rules.number(), 0), "landlock_restrict_self");
}

// Ambient capabilities go with the permitted ones (capabilities(7)), and nothing can bring any
// back.
void drop_privileges() {
  check_syscall(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl PR_SET_NO_NEW_PRIVS");
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  if (::syscall(SYS_capset, &header, none.data()) == 0) {
    return;
  }
  // A service manager's filter can forbid it; who has none needs to give none away.
  const int error_number = errno;
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> had{};
  check_syscall(::syscall(SYS_capget, &header, had.data()), "capget");
  for (const __user_cap_data_struct& word : had) {
    if ((word.effective | word.permitted | word.inheritable) != 0) {
      throw_system_error("capset", error_number);
    }
  }
}

// Whoever started the server may have given it a file that is written from where one stands
// ("2> log"): what has been written there must not be written over.
void let_output_grow_only() {
  for (const int output : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat status {};
    const int flags = ::fcntl(output, F_GETFL);
    if (flags >= 0 && read_status(output, status) && S_ISREG(status.st_mode)) {
      check_syscall(::fcntl(output, F_SETFL, flags | O_APPEND), "fcntl F_SETFL O_APPEND");
    }
  }
}

// Returns whether `enter` did its work; otherwise `missing` says why not.
bool try_to(const std::function<void()>& enter, const char* what, std::string& missing) {
  try {
    enter();
    return true;
  } catch (const std::exception& error) {
    missing += (missing.empty() ? "" : "; ") + std::string(what) + ": " + error.what();
    return false;
  }
}

}  // namespace

Sandbox enter_sandbox(const std::string& webroot, bool sends_through_ring) {
  Sandbox sandbox;
  drop_privileges();
  if (sanitized) {
    sandbox.missing = "this build has a sanitizer, which needs what would be forbidden";
    return sandbox;
  }
  ::tzset();  // for the log; later /etc/localtime cannot be read
  let_output_grow_only();
  sandbox.files = try_to([&] { confine_files(webroot); }, "files", sandbox.missing);
  sandbox.system_calls = try_to([&] { filter_system_calls(sandbox.files, sends_through_ring); },
                                "system calls", sandbox.missing);
  return sandbox;
}

}  // namespace eradio
