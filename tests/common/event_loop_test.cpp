#include "common/event_loop.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace eradio {
namespace {

using std::chrono::milliseconds;

TEST(EventLoop, TimersRunInOrderOfTheirDeadlines) {
  EventLoop loop;
  std::string order;
  loop.call_after(milliseconds(20), [&] {
    order += "c";
    loop.stop();
  });
  loop.call_after(milliseconds(1), [&] { order += "a"; });
  loop.call_after(milliseconds(5), [&] { order += "b"; });
  loop.run();
  EXPECT_EQ(order, "abc");
}

TEST(EventLoop, ACancelledTimerDoesNotRunAndMayBeCancelledTwice) {
  EventLoop loop;
  bool ran = false;
  auto timer = loop.call_after(milliseconds(1), [&] { ran = true; });
  loop.cancel(timer);
  EXPECT_EQ(timer, EventLoop::no_timer);
  loop.cancel(timer);
  loop.call_after(milliseconds(10), [&] { loop.stop(); });
  loop.run();
  EXPECT_FALSE(ran);
}

TEST(EventLoop, ATimerThatSetsItselfAgainDoesNotStarveDescriptors) {
  EventLoop loop;
  const Descriptor wakeup = make_wakeup();
  const Watch watch(loop, wakeup.number(), EPOLLIN, [&](std::uint32_t) { loop.stop(); });
  std::function<void()> again = [&] { loop.call_after(milliseconds(0), again); };
  again();
  wake(wakeup.number());
  loop.run();
}

// Both are readable at once; whoever is called first removes the other.
TEST(EventLoop, AHandlerThatWasRemovedGetsNoEventOfTheSameBatch) {
  EventLoop loop;
  const Descriptor one = make_wakeup();
  const Descriptor two = make_wakeup();
  int calls = 0;
  std::unique_ptr<Watch> first;
  std::unique_ptr<Watch> second;
  first = std::make_unique<Watch>(loop, one.number(), EPOLLIN, [&](std::uint32_t) {
    ++calls;
    second.reset();
    loop.stop();
  });
  second = std::make_unique<Watch>(loop, two.number(), EPOLLIN, [&](std::uint32_t) {
    ++calls;
    first.reset();
    loop.stop();
  });
  wake(one.number());
  wake(two.number());
  loop.run();
  EXPECT_EQ(calls, 1);
}

// Two are readable at once and a timer is due; whoever comes first stops the loop.
TEST(EventLoop, ThatIsStoppedCallsNobodyMore) {
  EventLoop loop;
  const Descriptor one = make_wakeup();
  const Descriptor two = make_wakeup();
  int calls = 0;
  const auto stop = [&](std::uint32_t) {
    ++calls;
    loop.stop();
  };
  const Watch first(loop, one.number(), EPOLLIN, stop);
  const Watch second(loop, two.number(), EPOLLIN, stop);
  loop.call_after(milliseconds(0), [&] { ++calls; });
  loop.call_after(milliseconds(0), [&] { ++calls; });
  wake(one.number());
  wake(two.number());
  loop.run();
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, AHandlerMayEndItselfWithinItsOwnCall) {
  EventLoop loop;
  const Descriptor wakeup = make_wakeup();
  std::unique_ptr<Watch> watch;
  std::string text = "before";
  watch = std::make_unique<Watch>(loop, wakeup.number(), EPOLLIN,
                                  [&loop, &watch, &text, kept = std::string(100, 'x')](auto) {
                                    watch.reset();
                                    text = kept;  // what it captured is still there
                                    loop.stop();
                                  });
  wake(wakeup.number());
  loop.run();
  EXPECT_EQ(text, std::string(100, 'x'));
}

TEST(Wakeup, ManyCallsAreOneEvent) {
  EventLoop loop;
  const Descriptor wakeup = make_wakeup();
  int calls = 0;
  const Watch watch(loop, wakeup.number(), EPOLLIN, [&](std::uint32_t) {
    consume_wakeup(wakeup.number());
    ++calls;
  });
  wake(wakeup.number());
  wake(wakeup.number());
  wake(wakeup.number());
  loop.call_after(milliseconds(20), [&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace eradio
