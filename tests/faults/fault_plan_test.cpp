#include "tests/faults/fault_plan.h"

#include <set>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/faults/disturbances.h"

namespace eradio::testing {
namespace {

constexpr std::int64_t ms = ns_per_ms;

TEST(FaultPlan, IsTheSameForTheSameSeed) {
  FaultPlan one(7);
  FaultPlan other(7);
  std::set<FaultKind> kinds;
  for (int i = 0; i < 1000; ++i) {
    const Fault fault = one.next();
    const Fault same = other.next();
    EXPECT_EQ(fault.kind, same.kind);
    EXPECT_EQ(fault.pause, same.pause);
    EXPECT_EQ(fault.lasts, same.lasts);
    EXPECT_EQ(fault.which, same.which);
    EXPECT_EQ(fault.percent, same.percent);
    kinds.insert(fault.kind);
  }
  EXPECT_EQ(kinds.size(), 12U) << "all kinds come";
}

TEST(FaultPlan, IsAnotherForAnotherSeed) {
  EXPECT_NE(FaultPlan(1).next().which, FaultPlan(2).next().which);
}

TEST(Disturbances, ExcuseNothingThatComesWithoutOne) {
  Disturbances disturbances;
  EXPECT_FALSE(disturbances.excuse({.answered = false, .ended_ns = 10 * ms}));
  disturbances.add(Disturbance::killed, 20'000 * ms);
  EXPECT_FALSE(disturbances.excuse({.answered = false, .ended_ns = 10 * ms})) << "before";
  EXPECT_FALSE(disturbances.excuse({.answered = false, .ended_ns = 22'000 * ms})) << "long after";
}

TEST(Disturbances, ExcuseARequestThatIsDropped) {
  Disturbances disturbances;
  const std::size_t planned = disturbances.add(Disturbance::planned, 1'000 * ms);
  EXPECT_TRUE(disturbances.excuse({.answered = false, .ended_ns = 1'100 * ms}));
  EXPECT_FALSE(disturbances.excuse({.answered = false, .ended_ns = 11'100 * ms}));
  disturbances.end(planned, 9'000 * ms);
  EXPECT_TRUE(disturbances.excuse({.answered = false, .ended_ns = 11'100 * ms}));
  EXPECT_FALSE(disturbances.excuse({.answered = false, .ended_ns = 12'100 * ms}));
}

TEST(Disturbances, ExcuseNoListenerThatHasBeenAnsweredHoweverItsWorkerGoes) {
  Disturbances disturbances;
  disturbances.add(Disturbance::planned, 1'000 * ms);
  disturbances.add(Disturbance::killed, 1'000 * ms);
  EXPECT_TRUE(disturbances.excuse({.answered = false, .ended_ns = 1'010 * ms}));
  EXPECT_FALSE(disturbances.excuse({.answered = true, .ended_ns = 1'010 * ms}));
}

TEST(Disturbances, ExcuseWhoIsInTheMiddleOfASendWhenItsWorkerDiesAndAsManyAsThereWereDeaths) {
  Disturbances disturbances;
  disturbances.add(Disturbance::planned, 1'000 * ms);
  const Loss loss{.answered = true, .ended_ns = 1'010 * ms, .fragile = true};
  EXPECT_FALSE(disturbances.excuse(loss));
  EXPECT_EQ(disturbances.deaths_max(), 0U);
  disturbances.add(Disturbance::killed, 1'005 * ms);
  EXPECT_TRUE(disturbances.excuse(loss));
  EXPECT_EQ(disturbances.deaths_max(), 1U);
}

}  // namespace
}  // namespace eradio::testing
