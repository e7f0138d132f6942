#include "common/worker_protocol.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/descriptor.h"
#include "common/system_error.h"

namespace eradio {
namespace {

WorkerSettings good_settings() {
  WorkerSettings settings;
  settings.slot = 3;
  settings.workers = 4;
  settings.shared_sockets = 1;
  settings.webroot = "/a \"b\"/ü";
  settings.stream_path = "/stream.mp3";
  settings.coalesce_ms = -1;
  settings.max_frame_bytes = 1ULL << 40U;
  return settings;
}

// What a master of another version may say.
std::string with(const char* key, const nlohmann::json& value) {
  auto json = nlohmann::json::parse(encode_worker_settings(good_settings()));
  json[key] = value;
  return json.dump();
}

TEST(WorkerSettings, ComeBackAsTheyWentIn) {
  const WorkerSettings back = decode_worker_settings(encode_worker_settings(good_settings()));
  EXPECT_EQ(back.slot, 3U);
  EXPECT_EQ(back.shared_sockets, 1U);
  EXPECT_EQ(back.webroot, good_settings().webroot);
  EXPECT_EQ(back.coalesce_ms, -1);
  EXPECT_EQ(back.max_frame_bytes, good_settings().max_frame_bytes);
}

TEST(WorkerSettings, OfAVersionThatIsTooOldOrTooNewAreRefusedWithBothVersions) {
  for (const char* key : {"protocol_version", "protocol_compatible_from"}) {
    const unsigned other = std::string(key) == "protocol_version" ? 1 : 99;
    try {
      static_cast<void>(decode_worker_settings(with(key, other)));
      FAIL() << key;
    } catch (const std::runtime_error& error) {
      EXPECT_NE(std::string(error.what()).find(std::to_string(other)), std::string::npos);
      EXPECT_NE(std::string(error.what()).find(std::to_string(own_protocol().version)),
                std::string::npos);
    }
  }
}

TEST(WorkerSettings, OfALaterVersionAreUnderstoodAsFarAsTheyAreKnown) {
  EXPECT_EQ(decode_worker_settings(with("protocol_version", 99)).slot, 3U);
  EXPECT_EQ(decode_worker_settings(with("what_is_new", "yes")).slot, 3U);
}

TEST(WorkerSettings, OfAnEarlierVersionHaveDefaultsForWhatTheyDoNotSay) {
  auto json = nlohmann::json::parse(encode_worker_settings(good_settings()));
  json.erase("escrow");
  json.erase("coalesce_ms");
  const WorkerSettings settings = decode_worker_settings(json.dump());
  EXPECT_TRUE(settings.escrow);
  EXPECT_EQ(settings.coalesce_ms, 0);
  EXPECT_EQ(settings.slot, 3U);
}

TEST(WorkerSettings, ThatAreIncompleteOrNoneAreAnError) {
  for (const std::string& text :
       {std::string(""), std::string("nonsense"), std::string("{}"), std::string("[]"),
        std::string("{\"protocol_version\":1}"), with("protocol_version", "1"), with("workers", 0),
        with("slot", "1"), with("stream_path", ""), with("max_frame_bytes", 0)}) {
    EXPECT_THROW(static_cast<void>(decode_worker_settings(text)), std::runtime_error) << text;
  }
}

class WorkerMessageTest : public testing::Test {
 protected:
  WorkerMessageTest() {
    std::array<int, 2> ends{};
    check_syscall(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()),
                  "socketpair");
    ours = Descriptor(ends[0]);
    theirs = Descriptor(ends[1]);
  }
  // What no worker of ours would say.
  void send_raw(std::string bytes, int descriptor) const {
    iovec part{bytes.data(), bytes.size()};
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof descriptor)> space{};
    msghdr envelope{};
    envelope.msg_iov = &part;
    envelope.msg_iovlen = 1;
    envelope.msg_control = space.data();
    envelope.msg_controllen = space.size();
    cmsghdr* const rights = CMSG_FIRSTHDR(&envelope);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
    ASSERT_EQ(::sendmsg(ours.number(), &envelope, 0), static_cast<ssize_t>(bytes.size()));
  }

  Descriptor ours;
  Descriptor theirs;
  WorkerMessage message;
};

TEST_F(WorkerMessageTest, ArrivesAsItWasSent) {
  EXPECT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::nothing);
  EXPECT_EQ(send_worker_message(ours.number(), WorkerMessageType::ready, 7), SendResult::sent);
  ASSERT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::message);
  EXPECT_EQ(message.type, WorkerMessageType::ready);
  EXPECT_EQ(message.value, 7U);
}

TEST_F(WorkerMessageTest, CarriesItemsInTheirOrder) {
  std::vector<AudienceEvent> events(worker_message_items_max);
  for (std::size_t i = 0; i < events.size(); ++i) {
    events[i] = {.listener_id = i, .token = i * 2, .type = AudienceEventType::vote};
  }
  events.back().listener_id = listener_id_max;
  ASSERT_EQ(send_worker_message(ours.number(), std::span<const AudienceEvent>(events)),
            SendResult::sent);
  ASSERT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::message);
  EXPECT_EQ(message.type, WorkerMessageType::audience);
  ASSERT_EQ(message.audience.size(), events.size());
  EXPECT_EQ(message.audience[7].listener_id, 7U);
  EXPECT_EQ(message.audience[7].token, 14U);
  EXPECT_EQ(message.audience.back().listener_id, listener_id_max);

  const VoteAnswer answer{.token = 5, .outcome = VoteOutcome::nothing_plays};
  ASSERT_EQ(send_worker_message(ours.number(), std::span(&answer, 1)), SendResult::sent);
  ASSERT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::message);
  ASSERT_EQ(message.vote_answers.size(), 1U);
  EXPECT_EQ(message.vote_answers[0].outcome, VoteOutcome::nothing_plays);
}

TEST_F(WorkerMessageTest, IsNotSentWhileThePeerTakesNoMore) {
  const std::vector<AudienceEvent> events(worker_message_items_max,
                                          {.type = AudienceEventType::joined});
  SendResult result = SendResult::sent;
  for (int i = 0; i < 10'000 && result == SendResult::sent; ++i) {
    result = send_worker_message(ours.number(), std::span<const AudienceEvent>(events));
  }
  EXPECT_EQ(result, SendResult::full);
}

TEST_F(WorkerMessageTest, CarriesDescriptorsWithItsItems) {
  std::array<int, 2> pipe{};
  check_syscall(::pipe2(pipe.data(), O_CLOEXEC), "pipe2");
  const Descriptor read_end(pipe[0]);
  Descriptor write_end(pipe[1]);
  const std::vector<EscrowItem> items{{.listener_id = 1, .serial = 2, .record = 3},
                                      {.listener_id = 4, .serial = 5, .record = 6}};
  const std::vector<int> descriptors{read_end.number(), write_end.number()};
  ASSERT_EQ(send_worker_message(ours.number(), WorkerMessageType::escrow, items, descriptors),
            SendResult::sent);
  ASSERT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::message);
  ASSERT_EQ(message.escrow.size(), 2U);
  EXPECT_EQ(message.escrow[1].record, 6U);
  ASSERT_EQ(message.descriptors.size(), 2U);
  const char byte = 'x';
  char got = 0;
  EXPECT_EQ(::write(message.descriptors[1].number(), &byte, 1), 1);
  EXPECT_EQ(::read(message.descriptors[0].number(), &got, 1), 1);
  EXPECT_EQ(got, 'x');

  ASSERT_EQ(send_worker_message(ours.number(), WorkerMessageType::release, items, {}),
            SendResult::sent);
  ASSERT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::message);
  EXPECT_EQ(message.escrow.size(), 2U);
  EXPECT_EQ(message.descriptors.size(), 0U);
}

TEST_F(WorkerMessageTest, WithDescriptorsThatBelongToNoItemIsMalformedAndTheyAreClosed) {
  std::array<int, 2> pipe{};
  check_syscall(::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK), "pipe2");
  const Descriptor read_end(pipe[0]);
  Descriptor write_end(pipe[1]);
  const std::vector<EscrowItem> items{{.serial = 1}};
  const std::vector<int> two{write_end.number(), write_end.number()};
  const auto send = [&](WorkerMessageType type, std::span<const int> descriptors) {
    ASSERT_EQ(send_worker_message(ours.number(), type, items, descriptors), SendResult::sent);
    EXPECT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::malformed);
  };
  send(WorkerMessageType::escrow, two);
  send(WorkerMessageType::release, {two.data(), 1});
  send_raw("x", write_end.number());
  EXPECT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::malformed);
  send_raw("", write_end.number());
  EXPECT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::closed);
  write_end.reset();
  char byte = 0;
  EXPECT_EQ(::read(read_end.number(), &byte, 1), 0) << "nobody has the other end any more";
}

TEST_F(WorkerMessageTest, WithASocketThatIsToLingerHasOneThatDoesNot) {
  const EscrowItem item{.serial = 1};
  const linger wait{.l_onoff = 1, .l_linger = 1000};
  ASSERT_EQ(::setsockopt(ours.number(), SOL_SOCKET, SO_LINGER, &wait, sizeof wait), 0);
  const int descriptor = ours.number();
  ASSERT_EQ(
      send_worker_message(ours.number(), WorkerMessageType::escrow, {&item, 1}, {&descriptor, 1}),
      SendResult::sent);
  ASSERT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::message);
  linger got{};
  socklen_t length = sizeof got;
  ASSERT_EQ(::getsockopt(ours.number(), SOL_SOCKET, SO_LINGER, &got, &length), 0);
  EXPECT_EQ(got.l_onoff, 0);
}

TEST_F(WorkerMessageTest, SaysOfWhatKindAClientIs) {
  for (const std::uint32_t kind : {1U, 2U, 3U, 0U, 4U}) {
    const EscrowItem item{.serial = 1, .kind = static_cast<ClientKind>(kind)};
    ASSERT_EQ(send_worker_message(ours.number(), WorkerMessageType::release, {&item, 1}, {}),
              SendResult::sent);
    const bool known = kind >= 1 && kind <= 3;
    ASSERT_EQ(receive_worker_message(theirs.number(), message),
              known ? ReceiveResult::message : ReceiveResult::malformed);
    EXPECT_TRUE(!known || message.escrow.at(0).kind == item.kind) << kind;
  }
}

// Whatever another version, or a worker that was taken over, may send.
TEST_F(WorkerMessageTest, OfAnotherFormIsMalformed) {
  struct Raw {
    WorkerMessageHeader header;
    std::array<AudienceEvent, 2> events;
  };
  const Raw good{
      .header = {.protocol_version = own_protocol().version,
                 .type = WorkerMessageType::audience,
                 .count = 2},
      .events = {{{.type = AudienceEventType::joined}, {.type = AudienceEventType::left}}}};
  const auto send = [&](const Raw& raw, std::size_t bytes) {
    ASSERT_EQ(::send(ours.number(), &raw, bytes, 0), static_cast<ssize_t>(bytes));
  };
  int bad_ones = 0;
  const auto send_changed = [&](auto change) {
    Raw raw = good;
    change(raw);
    send(raw, sizeof raw);
    ++bad_ones;
  };
  for (std::size_t bytes = 1; bytes < sizeof good; ++bytes) {
    send(good, bytes);
    ++bad_ones;
  }
  send_changed([](Raw& raw) { raw.header.protocol_version = own_protocol().compatible_from - 1; });
  send_changed([](Raw& raw) { raw.header.compatible_from = own_protocol().version + 1; });
  send_changed([](Raw& raw) { raw.header.type = static_cast<WorkerMessageType>(77); });
  send_changed([](Raw& raw) { raw.header.type = WorkerMessageType::stop; });
  send_changed([](Raw& raw) { raw.header.type = WorkerMessageType::vote_answers; });
  send_changed([](Raw& raw) { raw.header.count = 1; });
  send_changed([](Raw& raw) { raw.header.count = 3; });
  send_changed([](Raw& raw) { raw.header.count = UINT32_MAX; });
  send_changed([](Raw& raw) { raw.events[1].type = static_cast<AudienceEventType>(0); });
  send_changed([](Raw& raw) { raw.events[1].type = static_cast<AudienceEventType>(4); });
  send_changed([](Raw& raw) { raw.events[0].listener_id = listener_id_max + 1; });
  const std::vector<std::byte> longest(std::size_t{64} * 1024);
  ASSERT_GT(::send(ours.number(), longest.data(), longest.size(), 0), 0);
  ++bad_ones;
  send(good, sizeof good);
  for (int i = 0; i < bad_ones; ++i) {
    EXPECT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::malformed) << i;
  }
  EXPECT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::message);
  EXPECT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::nothing);
}

TEST_F(WorkerMessageTest, OfALaterVersionIsUnderstoodOrKnownToBeNew) {
  WorkerMessageHeader header{.protocol_version = own_protocol().version + 7,
                             .type = WorkerMessageType::hand_over,
                             .compatible_from = own_protocol().version};
  ASSERT_GT(::send(ours.number(), &header, sizeof header, 0), 0);
  ASSERT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::message);
  EXPECT_EQ(message.type, WorkerMessageType::hand_over);
  EXPECT_EQ(message.sender.version, own_protocol().version + 7);
  EXPECT_EQ(message.sender.compatible_from, own_protocol().version);

  header.type = static_cast<WorkerMessageType>(77);
  const std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  send_raw(bytes + "what is new", theirs.number());
  EXPECT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::unknown);
}

TEST_F(WorkerMessageTest, FromAPeerThatHasGoneIsTheEnd) {
  ours.reset();
  EXPECT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::closed);
  EXPECT_EQ(send_worker_message(theirs.number(), WorkerMessageType::stop), SendResult::gone);
}

TEST_F(WorkerMessageTest, CarriesKicksTheirAnswersAndTheLogLevel) {
  KickOrder order{.token = 1, .listener_id = listener_id_max, .target = KickTarget::address};
  order.address[15] = 7;
  ASSERT_EQ(send_worker_message(ours.number(), std::span<const KickOrder>(&order, 1)),
            SendResult::sent);
  ASSERT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::message);
  ASSERT_EQ(message.kick_orders.size(), 1U);
  EXPECT_EQ(message.kick_orders[0].target, KickTarget::address);
  EXPECT_EQ(message.kick_orders[0].address, order.address);

  const KickAnswer answer{.token = 1, .connections = 20'000};
  ASSERT_EQ(send_worker_message(ours.number(), std::span(&answer, 1)), SendResult::sent);
  ASSERT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::message);
  ASSERT_EQ(message.kick_answers.size(), 1U);
  EXPECT_EQ(message.kick_answers[0].connections, 20'000U);

  ASSERT_EQ(send_worker_message(ours.number(), LogLevel::warning), SendResult::sent);
  ASSERT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::message);
  EXPECT_EQ(message.type, WorkerMessageType::log_level);
  EXPECT_EQ(message.log_level, LogLevel::warning);

  order.target = static_cast<KickTarget>(3);
  ASSERT_EQ(send_worker_message(ours.number(), std::span<const KickOrder>(&order, 1)),
            SendResult::sent);
  EXPECT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::malformed);
  ASSERT_EQ(send_worker_message(ours.number(), WorkerMessageType::log_level, 6), SendResult::sent);
  EXPECT_EQ(receive_worker_message(theirs.number(), message), ReceiveResult::malformed);
}

}  // namespace
}  // namespace eradio
