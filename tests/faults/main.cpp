// eradio-test-faults: random things happen to a server in random order, under listeners that check
// every byte. It prints its seed first and each event as a line; the same --seed does the same
// things in the same order again. Exit status 1 when the server has done something wrong: then its
// log follows.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <random>
#include <stdexcept>

#include <boost/program_options.hpp>

#include "tests/faults/fault_run.h"
#include "tests/support/patience.h"
#include "tests/support/program.h"
#include "tests/support/program_options.h"

namespace eradio::testing {
namespace {

namespace options = boost::program_options;

// Five of these are what the tests do by default: an hour of the long ones.
constexpr std::uint32_t short_seconds = sanitized_build ? 8 : 20;
constexpr std::uint32_t long_seconds = 720;

int run(int argument_count, char** arguments) {
  std::uint64_t seed = 0;
  std::uint32_t seconds = 0;
  std::uint32_t listeners = 0;
  options::options_description description(
      "eradio-test-faults: does random things to a server with listeners");
  description.add_options()(
      "seed", options::value(&seed)->default_value(std::random_device()(), "a random one"),
      "of what happens")("only-long", "do nothing, and exit with 77, but in the long tests")(
      "seconds",
      options::value(&seconds)->default_value(long_tests() ? long_seconds : short_seconds),
      "in which things happen")(
      "listeners",
      options::value(&listeners)->default_value(static_cast<std::uint32_t>(scaled_down(200))),
      "how many there are, about");
  const auto values = read_options(argument_count, arguments, description);
  if (!values) {
    return 0;
  }
  if (values->count("only-long") > 0 && !long_tests()) {
    std::printf("not run: a random seed is for the long tests (ERADIO_TEST_LONG=1)\n");
    return 77;
  }
  std::printf("eradio-test-faults --seed %llu --seconds %u --listeners %u\n",
              static_cast<unsigned long long>(seed), seconds, listeners);
  std::fflush(stdout);
  FaultRun faults({.seed = seed, .time = std::chrono::seconds(seconds), .listeners = listeners});
  try {
    faults.run();
  } catch (const std::runtime_error& error) {
    std::printf("--- the server's log ---\n%s--- FAILED, with seed %llu: %s\n",
                faults.log().c_str(), static_cast<unsigned long long>(seed), error.what());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace eradio::testing

int main(int argument_count, char** arguments) {
  return eradio::testing::run_main("eradio-test-faults", eradio::testing::run, argument_count,
                                   arguments);
}
