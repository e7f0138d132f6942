// Each attempt is made by a forked child that has entered the sandbox: what it gets is the child's
// exit status (0, or an errno value), or the signal that killed it.

#include "worker/sandbox.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "common/descriptor.h"
#include "tests/support/temporary_directory.h"

namespace eradio {
namespace {

using testing::TemporaryDirectory;

constexpr int could_not_enter = 255;

// The errno value that an attempt ends with; 0: it did what it was to do.
int error_of(long result) { return result < 0 ? errno : 0; }

int error_of_open(const std::string& path, int flags) {
  const Descriptor file(::open(path.c_str(), flags, 0600));
  return file ? 0 : errno;
}

class SandboxTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(directory_.file("webroot"));
    directory_.write("webroot/page.html", "the page");
    directory_.write("secret.txt", "the secret");
    std::filesystem::create_symlink("../secret.txt", directory_.file("webroot/way_out.txt"));
  }

  // Exit status or, if it was killed, minus the signal's number.
  int in_sandbox(const std::function<int()>& attempt) {
    const pid_t child = ::fork();
    if (child == 0) {
      const Sandbox sandbox = enter_sandbox(directory_.file("webroot"));
      if (!sandbox.missing.empty()) {
        std::fprintf(stderr, "not all of the sandbox: %s\n", sandbox.missing.c_str());
        ::_exit(could_not_enter);
      }
      ::_exit(attempt());
    }
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }

  bool has_sandbox() {
    return in_sandbox([] { return 0; }) == 0;
  }
  [[nodiscard]] std::string file(const std::string& name) const { return directory_.file(name); }

 private:
  TemporaryDirectory directory_;
};

#define SKIP_WITHOUT_SANDBOX()                                                              \
  if (!has_sandbox()) {                                                                     \
    GTEST_SKIP() << "this kernel or build has no sandbox: what it prevents was not tested"; \
  }

TEST_F(SandboxTest, LeavesWhatAWorkerDoes) {
  SKIP_WITHOUT_SANDBOX();
  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()), 0);
  const Descriptor ours(pair[0]);
  const Descriptor theirs(pair[1]);
  EXPECT_EQ(in_sandbox([&] { return error_of_open(file("webroot/page.html"), O_RDONLY); }), 0);
  EXPECT_EQ(in_sandbox([&] {
              int queued = 0;
              return error_of(::send(ours.number(), "x", 1, MSG_NOSIGNAL)) +
                     error_of(::ioctl(ours.number(), TIOCOUTQ, &queued)) +
                     error_of(::epoll_create1(EPOLL_CLOEXEC));
            }),
            0);
  EXPECT_EQ(in_sandbox([] {
              std::vector<char> much(std::size_t{64} << 20, 'x');
              return much.back() == 'x' ? 0 : 1;
            }),
            0);
}

TEST_F(SandboxTest, LetsACrashBeACrash) {
  SKIP_WITHOUT_SANDBOX();
  EXPECT_EQ(in_sandbox([]() -> int { std::abort(); }), -SIGABRT);
  EXPECT_EQ(in_sandbox([] { return error_of(::raise(SIGSEGV)); }), -SIGSEGV);
}

TEST_F(SandboxTest, HasNoFilesButThoseOfTheWebroot) {
  SKIP_WITHOUT_SANDBOX();
  const std::string page = file("webroot/page.html");
  EXPECT_EQ(in_sandbox([] { return error_of_open("/etc/passwd", O_RDONLY); }), EACCES);
  EXPECT_EQ(in_sandbox([] { return error_of_open("/proc/self/mem", O_RDONLY); }), EACCES);
  EXPECT_EQ(in_sandbox([&] { return error_of_open(file("secret.txt"), O_RDONLY); }), EACCES);
  EXPECT_EQ(in_sandbox([&] { return error_of_open(file("webroot/way_out.txt"), O_RDONLY); }),
            EACCES);
  for (const int flags : {O_WRONLY, O_RDWR, O_RDONLY | O_TRUNC, O_WRONLY | O_APPEND}) {
    EXPECT_EQ(in_sandbox([&] { return error_of_open(page, flags); }), ENOSYS) << flags;
  }
  EXPECT_EQ(in_sandbox([&] { return error_of_open(file("webroot/new"), O_RDONLY | O_CREAT); }),
            ENOSYS);
  EXPECT_EQ(in_sandbox([&] { return error_of_open(file("webroot"), O_RDONLY | O_TMPFILE); }),
            ENOSYS);
  EXPECT_EQ(in_sandbox([&] { return error_of(::unlink(page.c_str())); }), ENOSYS);
  EXPECT_EQ(in_sandbox([&] { return error_of(::rename(page.c_str(), (page + "2").c_str())); }),
            ENOSYS);
  EXPECT_EQ(in_sandbox([&] { return error_of(::mkdir((page + ".d").c_str(), 0700)); }), ENOSYS);
  EXPECT_EQ(in_sandbox([&] { return error_of(::chmod(page.c_str(), 0777)); }), ENOSYS);
  EXPECT_EQ(in_sandbox([&] { return error_of(::truncate(page.c_str(), 0)); }), ENOSYS);
  EXPECT_EQ(std::filesystem::file_size(page), 8U);
}

TEST_F(SandboxTest, LetsTheWebrootsFilesAndDirectoriesBeOpenedAndLookedAt) {
  SKIP_WITHOUT_SANDBOX();
  std::filesystem::create_directory(file("webroot/sub"));
  EXPECT_EQ(in_sandbox([&] {
              const Descriptor page(::open(file("webroot/page.html").c_str(), O_RDONLY));
              struct stat status {};
              return read_status(page.number(), status) && status.st_size == 8 ? 0 : errno;
            }),
            0);
  EXPECT_EQ(in_sandbox([&] { return error_of_open(file("webroot/sub"), O_RDONLY); }), 0);
  EXPECT_EQ(in_sandbox([&] { return error_of_open(file(""), O_RDONLY); }), EACCES);
}

TEST_F(SandboxTest, CannotLookAtFilesElsewhere) {
  if (!status_needs_no_path) {
    GTEST_SKIP() << "here fstat(2) is a call that takes a path";
  }
  SKIP_WITHOUT_SANDBOX();
  for (const char* path : {"/etc/passwd", "/etc/shadow", "/proc/self/maps", "/"}) {
    struct stat status {};
    EXPECT_EQ(in_sandbox([&] { return error_of(::stat(path, &status)); }), ENOSYS) << path;
    EXPECT_EQ(in_sandbox([&] { return error_of(::lstat(path, &status)); }), ENOSYS) << path;
    EXPECT_EQ(in_sandbox([&] {
                struct statx more {};
                return error_of(::statx(AT_FDCWD, path, 0, STATX_ALL, &more));
              }),
              ENOSYS);
    EXPECT_EQ(in_sandbox([&] { return error_of_open(path, O_PATH); }), ENOSYS) << path;
    EXPECT_EQ(in_sandbox([&] { return error_of(::access(path, R_OK)); }), ENOSYS) << path;
  }
  std::array<char, 100> target{};
  EXPECT_EQ(in_sandbox([&] {
              return error_of(::readlink("/proc/self/exe", target.data(), target.size()));
            }),
            ENOSYS);
}

// The descriptor that the log goes to, as master/main.cpp opens it or as a shell does ("2> log").
class SandboxedLog : public SandboxTest, public ::testing::WithParamInterface<int> {};

TEST_P(SandboxedLog, CanOnlyGrow) {
  SKIP_WITHOUT_SANDBOX();
  const std::string path = file("log");
  const Descriptor log(::open(path.c_str(), O_WRONLY | O_CREAT | GetParam(), 0600));
  const std::string before = "what others have written\n";
  ASSERT_EQ(::write(log.number(), before.data(), before.size()),
            static_cast<ssize_t>(before.size()));
  const int own_output = ::dup(STDERR_FILENO);
  ASSERT_EQ(::dup2(log.number(), STDERR_FILENO), STDERR_FILENO);
  const int result = in_sandbox([] {
    for (const int flags : {0, O_NONBLOCK, O_WRONLY}) {
      if (error_of(::fcntl(STDERR_FILENO, F_SETFL, flags)) != ENOSYS) {
        return 1;
      }
    }
    if (error_of(::ftruncate(STDERR_FILENO, 0)) != ENOSYS ||
        error_of(::fallocate(STDERR_FILENO, FALLOC_FL_COLLAPSE_RANGE, 0, 4096)) != ENOSYS ||
        error_of(::pwrite(STDERR_FILENO, "x", 1, 0)) != ENOSYS) {
      return 2;
    }
    ::lseek(STDERR_FILENO, 0, SEEK_SET);
    return error_of(::write(STDERR_FILENO, "mine\n", 5));
  });
  ::dup2(own_output, STDERR_FILENO);
  ::close(own_output);
  EXPECT_EQ(result, 0);
  std::ifstream stream(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(stream), {}), before + "mine\n");
}

INSTANTIATE_TEST_SUITE_P(Sandbox, SandboxedLog, ::testing::Values(O_APPEND, 0));

TEST_F(SandboxTest, HasNoNetworkButTheSocketsItWasGiven) {
  SKIP_WITHOUT_SANDBOX();
  const Descriptor before(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  EXPECT_EQ(in_sandbox([] { return error_of(::socket(AF_INET, SOCK_STREAM, 0)); }), ENOSYS);
  EXPECT_EQ(in_sandbox([] { return error_of(::socket(AF_UNIX, SOCK_STREAM, 0)); }), ENOSYS);
  EXPECT_EQ(in_sandbox([] { return error_of(::socket(AF_NETLINK, SOCK_RAW, 0)); }), ENOSYS);
  EXPECT_EQ(
      in_sandbox([&] { return error_of(::connect(before.number(), generic, sizeof address)); }),
      ENOSYS);
  EXPECT_EQ(in_sandbox([&] { return error_of(::bind(before.number(), generic, sizeof address)); }),
            ENOSYS);
  EXPECT_EQ(in_sandbox([&] { return error_of(::listen(before.number(), 1)); }), ENOSYS);
}

TEST_F(SandboxTest, CannotTouchOtherProcesses) {
  SKIP_WITHOUT_SANDBOX();
  const pid_t parent = ::getpid();
  EXPECT_EQ(in_sandbox([&] { return error_of(::kill(parent, 0)); }), ENOSYS);
  EXPECT_EQ(in_sandbox([&] { return error_of(::syscall(SYS_tgkill, parent, parent, 0)); }), ENOSYS);
  EXPECT_EQ(in_sandbox([&] { return error_of(::syscall(SYS_pidfd_open, parent, 0)); }), ENOSYS);
  EXPECT_EQ(in_sandbox([&] { return error_of(::ptrace(PTRACE_ATTACH, parent, 0, 0)); }), -SIGSYS);
  EXPECT_EQ(in_sandbox([&] {
              char byte = 0;
              const iovec here{&byte, 1};
              return error_of(::process_vm_readv(parent, &here, 1, &here, 1, 0));
            }),
            -SIGSYS);
}

TEST_F(SandboxTest, DiesWhenItTriesToRunAProgramOrToGetAtTheKernel) {
  SKIP_WITHOUT_SANDBOX();
  EXPECT_EQ(in_sandbox([] { return error_of(::execl("/bin/true", "true", nullptr)); }), -SIGSYS);
  EXPECT_EQ(in_sandbox([] { return error_of(::fork()); }), -SIGSYS);
  EXPECT_EQ(in_sandbox([] {
              std::thread([] {}).join();
              return 0;
            }),
            -SIGSYS);
  for (const long call : {SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_keyctl, SYS_mount,
                          SYS_unshare, SYS_chroot}) {
    EXPECT_EQ(in_sandbox([&] { return error_of(::syscall(call, 0, 0, 0, 0, 0)); }), -SIGSYS)
        << call;
  }
  EXPECT_EQ(in_sandbox([] { return error_of(::syscall(SYS_io_uring_setup, 1, nullptr)); }), ENOSYS);
  EXPECT_EQ(in_sandbox([] { return error_of(::setuid(0)); }), ENOSYS);
}

TEST_F(SandboxTest, CannotMakeCodeOfItsData) {
  SKIP_WITHOUT_SANDBOX();
  const auto map = [](int protection) {
    return ::mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  };
  EXPECT_EQ(in_sandbox([&] { return map(PROT_READ | PROT_EXEC) == MAP_FAILED ? errno : 0; }),
            ENOSYS);
  EXPECT_EQ(in_sandbox([&] {
              void* const data = map(PROT_READ | PROT_WRITE);
              return data == MAP_FAILED ? could_not_enter
                                        : error_of(::mprotect(data, 4096, PROT_READ | PROT_EXEC));
            }),
            ENOSYS);
}

TEST_F(SandboxTest, OfAWebrootThatIsNotThereHasNoFiles) {
  SKIP_WITHOUT_SANDBOX();
  std::filesystem::remove_all(file("webroot"));
  EXPECT_EQ(in_sandbox([&] { return error_of_open(file("secret.txt"), O_RDONLY); }), EACCES);
}

}  // namespace
}  // namespace eradio
