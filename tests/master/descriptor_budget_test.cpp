#include "master/descriptor_budget.h"

#include <gtest/gtest.h>

namespace eradio {
namespace {

TEST(DescriptorBudget, IsEnoughWhereEverythingFits) {
  const DescriptorDemand demand{.workers = 2, .slots = 2, .addresses = 2, .unix_sockets = 1};
  const std::size_t needed = descriptors_of_master(demand);
  EXPECT_EQ(why_too_few_descriptors(demand, needed, 0), "");
  EXPECT_EQ(why_too_few_descriptors(demand, needed + 10, 10), "");
  EXPECT_NE(why_too_few_descriptors(demand, needed - 1, 0), "");
  EXPECT_NE(why_too_few_descriptors(demand, needed + 10, 11), "");
}

TEST(DescriptorBudget, NamesWhatIsNeededAndWhatThereIs) {
  EXPECT_EQ(
      why_too_few_descriptors({.workers = 150, .slots = 1, .addresses = 2}, 200, 40),
      "150 workers need 982 descriptors with the 40 that are held of clients, and this process "
      "may have no more than 200 (ulimit -n, LimitNOFILE)");
}

TEST(DescriptorBudget, CountsTheSocketsOfSlotsThatAreNoMore) {
  const DescriptorDemand few{.workers = 1, .slots = 1, .addresses = 2};
  const DescriptorDemand more{.workers = 1, .slots = 8, .addresses = 2};
  EXPECT_EQ(descriptors_of_worker(more), descriptors_of_worker(few) + 14);
  EXPECT_GT(descriptors_of_master(more), descriptors_of_master(few) + 14);
}

TEST(DescriptorBudget, NeverPromisesWhatTheMasterNeedsForItself) {
  for (std::size_t workers = 1; workers <= 64; ++workers) {
    const DescriptorDemand demand{.workers = workers, .slots = workers, .addresses = 2};
    for (const std::size_t all : {1U, 20U, 60U, 100U, 400U, 1024U, 20'000U}) {
      const std::size_t held = escrow_max(demand, all);
      EXPECT_LE(held, all);
      EXPECT_TRUE(held == 0 || held + descriptors_of_master(demand) <= all) << all;
    }
  }
  EXPECT_EQ(escrow_max({.workers = 1, .slots = 1, .addresses = 2}, 400), 200U);
  EXPECT_EQ(escrow_max({.workers = 4, .slots = 4, .addresses = 2}, 20'000), 20'000U - 320U);
}

}  // namespace
}  // namespace eradio
