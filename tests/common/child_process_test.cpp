#include "common/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>
#include <system_error>

#include <gtest/gtest.h>

#include "common/descriptor.h"
#include "common/system_error.h"

namespace eradio {
namespace {

struct Ended {
  std::string output;
  int wait_status = 0;
};

// Runs a shell script with descriptor `number` going into a pipe.
Ended run_script(const std::string& script, int number, ChildProgram program = {}) {
  std::array<int, 2> ends{};
  check_syscall(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
  const Descriptor read_end(ends[0]);
  Descriptor write_end(ends[1]);
  program.arguments = {"/bin/sh", "-c", script};
  program.descriptors.push_back({write_end.number(), number});
  const pid_t child = start_child(program);
  write_end.reset();
  Ended ended;
  std::array<char, 4096> buffer{};
  for (ssize_t got = 0; (got = ::read(read_end.number(), buffer.data(), buffer.size())) > 0;) {
    ended.output.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::waitpid(child, &ended.wait_status, 0);
  return ended;
}

TEST(ChildProcess, HasTheDescriptorsItIsMeantToHaveAndNoOthers) {
  const Descriptor leaked(::open("/dev/null", O_RDONLY));  // without O_CLOEXEC
  const Ended ended = run_script("ls /proc/$$/fd >&5", 5);
  std::string numbers;
  for (const char c : ended.output) {
    numbers += c == '\n' ? ' ' : c;
  }
  // The shell keeps the standard three and what it was given; nothing of ours.
  EXPECT_TRUE(numbers == "0 1 2 5 " || numbers == "0 1 2 10 5 " || numbers == "0 1 10 2 5 ")
      << numbers;
}

TEST(ChildProcess, CanBeAnOpenFileWhateverStandsAtItsPath) {
  const Descriptor shell(::open("/bin/sh", O_RDONLY | O_CLOEXEC));
  ChildProgram program;
  program.executable = shell.number();
  // In the child, something else has this number.
  const std::string script = "echo here >&" + std::to_string(shell.number());
  EXPECT_EQ(run_script(script, shell.number(), program).output, "here\n");
}

TEST(ChildProcess, NumbersMayBeSwapped) {
  std::array<int, 2> ends{};
  check_syscall(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
  const Descriptor a(ends[0]);
  const Descriptor b(ends[1]);
  const std::string script = "readlink /proc/self/fd/" + std::to_string(a.number());
  const Ended ended =
      run_script(script, 1,
                 {.arguments = {},
                  .environment = {},
                  .descriptors = {{a.number(), b.number()}, {b.number(), a.number()}},
                  .own_session = false});
  EXPECT_EQ(ended.output.substr(0, 5), "pipe:");
  EXPECT_EQ(ended.wait_status, 0);
}

TEST(ChildProcess, ItsEnvironmentIsOursWithReplacements) {
  ::setenv("ERADIO_TEST_A", "ours", 1);
  ::setenv("ERADIO_TEST_B", "ours", 1);
  const Ended ended = run_script("echo $ERADIO_TEST_A $ERADIO_TEST_B $ERADIO_TEST_C", 1,
                                 {.arguments = {},
                                  .environment = {"ERADIO_TEST_B=new", "ERADIO_TEST_C=more"},
                                  .descriptors = {},
                                  .own_session = false});
  EXPECT_EQ(ended.output, "ours new more\n");
}

TEST(ChildProcess, HearsNothingOfOurServiceManager) {
  for (const char* const name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
    ::setenv(name, "ours", 1);
  }
  const std::string script = "echo \"$NOTIFY_SOCKET,$WATCHDOG_USEC,$WATCHDOG_PID\"";
  EXPECT_EQ(run_script(script, 1).output, ",,\n");
  EXPECT_EQ(run_script(script, 1,
                       {.arguments = {},
                        .environment = {"NOTIFY_SOCKET=/its/own"},
                        .descriptors = {},
                        .own_session = false})
                .output,
            "/its/own,,\n");
}

TEST(ChildProcess, ItsSignalsAreNeitherBlockedNorIgnored) {
  sigset_t blocked;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  const Ended ended =
      run_script("grep -E 'Sig(Blk|Ign)' /proc/self/status | tr -d '\\n\\t'; kill -TERM $$", 1);
  ::sigprocmask(SIG_UNBLOCK, &blocked, nullptr);
  EXPECT_EQ(ended.output, "SigBlk:0000000000000000SigIgn:0000000000000000");
  EXPECT_TRUE(WIFSIGNALED(ended.wait_status));
}

TEST(ChildProcess, ThatCannotBeExecutedIsAnErrorThatNamesIt) {
  for (const char* program : {"/nowhere/at-all", "no-such-program-anywhere", "/etc/passwd"}) {
    try {
      start_child({.arguments = {program}, .environment = {}, .descriptors = {}});
      FAIL() << program;
    } catch (const std::system_error& error) {
      EXPECT_NE(std::string(error.what()).find(program), std::string::npos) << error.what();
    }
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child was left behind";
}

TEST(ChildProcess, IsFoundInThePathItIsGiven) {
  const Ended ended = run_script("exec 2>&1; command -v sh", 1);
  EXPECT_EQ(ended.wait_status, 0);
  EXPECT_THROW(
      start_child({.arguments = {"sh"}, .environment = {"PATH=/nowhere"}, .descriptors = {}}),
      std::system_error);
}

TEST(DescribeExit, SaysHowAProcessEnded) {
  EXPECT_EQ(describe_exit(run_script("exit 3", 1).wait_status), "exited with status 3");
  EXPECT_EQ(describe_exit(run_script("kill -KILL $$", 1).wait_status),
            "was killed by signal 9 (Killed)");
}

}  // namespace
}  // namespace eradio
