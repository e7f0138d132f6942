// The promise of eradio: a listener that falls behind skips to the newest frame, and nobody else
// notices. Timed: runs alone.

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/child_process.h"
#include "common/clock.h"
#include "common/system_error.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/output_capture.h"
#include "tests/support/patience.h"
#include "tests/support/processes.h"
#include "tests/support/server.h"
#include "tests/support/temporary_directory.h"

namespace eradio::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const seconds stall_time{long_tests() ? 20 : 5};
// SO_RCVBUF of those that stall, such that what the kernels hold is less than what the stream
// brings meanwhile (16 KB/s). With its default a receiver's kernel takes hundreds of kilobytes.
constexpr int small_receive_buffer = 4096;
constexpr int default_receive_buffer = 0;
// What the two kernels may hold of the stream then: the server's `sndbuf`, and the receiver's part.
constexpr std::uint64_t kernel_bytes_max = 32'000;

void expect_caught_up_in_one_jump(const StreamCheck& check) {
  EXPECT_EQ(check.fault(), "");
  ASSERT_EQ(check.jumps().size(), 1U);
  EXPECT_GT(check.missed(), 0U);
  EXPECT_LE(check.late_bytes(), kernel_bytes_max) << "old frames after the stall";
  EXPECT_LT(check.jumps().front().age_ns, ns_per_second) << "of the frame after the jump";
  EXPECT_LT(check.last_age_ns(), ns_per_second);
}

TEST(Stall, OfSomeListenersIsNotNoticedByOthersAndEndsWithTheNewestFrame) {
  Server server;
  ListenerCrowd crowd;
  const auto fast = crowd.add({.endpoint = server.ipv4()}, scaled_down(200));
  const auto stalling = crowd.add(
      {.endpoint = server.ipv4(), .socket = {.receive_buffer_bytes = small_receive_buffer}},
      scaled_down(50));
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  crowd.run_for(milliseconds(500));
  for (CrowdListener* listener : stalling) {
    crowd.pause(*listener);
  }
  crowd.run_for(stall_time);
  for (CrowdListener* listener : stalling) {
    crowd.resume(*listener);
  }
  crowd.run_for(seconds(1));  // within this the lag must be below a second again
  for (const CrowdListener* listener : stalling) {
    expect_caught_up_in_one_jump(listener->check());
  }
  for (const CrowdListener* listener : fast) {
    EXPECT_EQ(listener->check().fault(), "");
    EXPECT_EQ(listener->check().missed(), 0U) << "a fast listener missed frames";
  }
  EXPECT_EQ(crowd.ended(), 0U);
  expect_clean_stop(server.stop());
}

// eradio-test-listener: its report is read when it ends.
class ListenerProcess {
 public:
  ListenerProcess(std::uint16_t port, int receive_buffer_bytes) {
    std::array<int, 2> ends{};
    check_syscall(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
    const Descriptor input(ends[0]);
    stop_ = Descriptor(ends[1]);
    id_ = start_child({.arguments = {ERADIO_TEST_LISTENER, std::to_string(port),
                                     std::to_string(receive_buffer_bytes)},
                       .environment = {},
                       .descriptors = {{.ours = input.number(), .theirs = STDIN_FILENO},
                                       {.ours = output_.write_end(), .theirs = STDOUT_FILENO}}});
    output_.close_ours();
  }
  ~ListenerProcess() {
    if (id_ > 0) {
      ::kill(id_, SIGKILL);
      (void)wait_for_child(id_, patience);
    }
  }
  [[nodiscard]] bool listens() const { return output_.wait_for("listening", patience).has_value(); }
  void send_signal(int signal_number) const { ::kill(id_, signal_number); }
  // Ends it.
  [[nodiscard]] std::string report() {
    stop_.reset();
    EXPECT_TRUE(wait_for_child(std::exchange(id_, 0), patience));
    EXPECT_TRUE(output_.wait_for_end(patience));
    return output_.text();
  }

 private:
  OutputCapture output_;
  Descriptor stop_;
  pid_t id_ = 0;
};

std::int64_t number_in(const std::string& report, const std::string& name) {
  const auto at = report.find("\n" + name + " ");
  return at == std::string::npos ? -1 : std::stoll(report.substr(at + name.size() + 2));
}

TEST(Stall, OfASuspendedClientProcessEndsWithTheNewestFrame) {
  Server server;
  ListenerCrowd crowd;
  crowd.add({.endpoint = server.ipv4()}, 20);
  ListenerProcess process(server.port(), small_receive_buffer);
  ListenerProcess roomy_process(server.port(), default_receive_buffer);
  ASSERT_TRUE(process.listens() && roomy_process.listens());
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  for (const ListenerProcess* suspended : {&process, &roomy_process}) {
    suspended->send_signal(SIGSTOP);
  }
  crowd.run_for(stall_time);
  for (const ListenerProcess* suspended : {&process, &roomy_process}) {
    suspended->send_signal(SIGCONT);
  }
  crowd.run_for(seconds(1));
  const std::string report = process.report();
  const std::string roomy_report = roomy_process.report();
  for (const std::string& any : {report, roomy_report}) {
    EXPECT_EQ(number_in(any, "told"), 1) << any;
    EXPECT_EQ(number_in(any, "ended"), 0) << any;
    EXPECT_NE(any.find("fault none"), std::string::npos) << any;
    EXPECT_LT(number_in(any, "age_after_jump"), 1000) << any;
    EXPECT_LT(number_in(any, "last_age"), 1000) << any;
  }
  EXPECT_EQ(number_in(report, "jumps"), 1) << report;
  EXPECT_GT(number_in(report, "missed"), 0) << report;
  EXPECT_LE(number_in(report, "late_bytes"), static_cast<std::int64_t>(kernel_bytes_max)) << report;
  // The other's kernel may have taken everything, and then nothing is missing.
  EXPECT_LE(number_in(roomy_report, "jumps"), 1) << roomy_report;
  EXPECT_EQ(crowd.missed(), 0U);
  EXPECT_EQ(crowd.fault(), "");
}

TEST(Stall, ThatIsShorterThanTheKernelsHoldIsBridgedWithoutAJump) {
  Server server;
  ListenerCrowd crowd;
  CrowdListener& listener = crowd.add({.endpoint = server.ipv4()});
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  crowd.pause(listener);
  crowd.run_for(milliseconds(1000));
  crowd.resume(listener);
  crowd.run_for(milliseconds(1000));
  EXPECT_EQ(listener.check().missed(), 0U);
  EXPECT_EQ(listener.check().fault(), "");
  EXPECT_LT(listener.check().last_age_ns(), ns_per_second);
}

TEST(Stall, OfManyAtTheSameTimeOnAUnixSocketIsTheSame) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("listen.sock");
  // A Unix socket's queue holds whole buffers, and the limit for them is the sender's.
  Server server({.arguments = {"--listen_unix", path}});
  ListenerCrowd crowd;
  const auto stalling = crowd.add({.endpoint = Endpoint::unix_socket(path)}, 20);
  CrowdListener& fast = crowd.add({.endpoint = Endpoint::unix_socket(path)});
  ASSERT_TRUE(crowd.run_until_all_listen(patience));
  for (CrowdListener* listener : stalling) {
    crowd.pause(*listener);
  }
  crowd.run_for(seconds(4));
  for (CrowdListener* listener : stalling) {
    crowd.resume(*listener);
  }
  crowd.run_for(seconds(1));
  for (const CrowdListener* listener : stalling) {
    EXPECT_EQ(listener->check().fault(), "");
    EXPECT_EQ(listener->check().jumps().size(), 1U);
    EXPECT_LT(listener->check().last_age_ns(), ns_per_second);
  }
  EXPECT_EQ(fast.check().missed(), 0U);
}

}  // namespace
}  // namespace eradio::testing
