// eradio-bench-joins: how soon somebody who comes hears the first frame, and what thousands who
// come at once cost those who listen already. --help says which options there are; the result is a
// table on standard output, and exit status 1 if a bound that was given is not kept.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <future>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/program_options.hpp>

#include "common/check.h"
#include "common/clock.h"
#include "tests/support/age_histogram.h"
#include "tests/support/listener_crowd.h"
#include "tests/support/program.h"
#include "tests/support/program_options.h"
#include "tests/support/server.h"

namespace eradio::testing {
namespace {

namespace options = boost::program_options;

struct Settings {
  int listeners = 0;
  int joins = 0;
  double seconds = 0;
  int single_joins = 0;
  bool stay = true;
  double first_frame_max_ms = 0;
  double age_max_ms = 0;
};

// Those who come, from the beginning of their connection to their first whole frame. Served by a
// thread of their own: how long they wait must not depend on how busy those are who listen already.
class Newcomers {
 public:
  // `stay`: or else they leave when they have heard one frame.
  Newcomers(const Endpoint& endpoint, bool stay) : endpoint_(endpoint), stay_(stay) {}

  // So many, evenly over the time. Throws std::runtime_error when somebody hears nothing, or is
  // disconnected.
  void come(int count, std::chrono::duration<double> time) {
    constexpr std::chrono::seconds patience{30};
    const std::int64_t begin_ns = monotonic_ns();
    const double time_ns = std::chrono::duration<double, std::nano>(time).count();
    int come = 0;
    const bool done = crowd_.run_until(
        [&] {
          const auto elapsed_ns = static_cast<double>(monotonic_ns() - begin_ns);
          const int due = 1 + static_cast<int>(std::min(1.0, elapsed_ns / time_ns) * (count - 1));
          for (; come < due; ++come) {
            come_one();
          }
          look();
          return come == count && waiting_.empty() && elapsed_ns >= time_ns;
        },
        std::chrono::duration_cast<std::chrono::milliseconds>(time) + patience);
    if (!done) {
      throw std::runtime_error(std::to_string(waiting_.size()) + " of " + std::to_string(count) +
                               " were left waiting");
    }
    if (crowd_.ended() != refused_ + left_) {
      throw std::runtime_error("newcomers were disconnected");
    }
    if (!crowd_.fault().empty()) {
      throw std::runtime_error("a newcomer's stream is broken: " + crowd_.fault());
    }
  }

  // Not answered, or with something else than the stream.
  [[nodiscard]] std::size_t refused() const noexcept { return refused_; }
  [[nodiscard]] const AgeHistogram& first_frames() const noexcept { return first_frames_; }

 private:
  struct Newcomer {
    CrowdListener* listener = nullptr;
    std::int64_t came_ns = 0;
  };

  void come_one() {
    const std::int64_t now_ns = monotonic_ns();
    waiting_.push_back({.listener = &crowd_.add({.endpoint = endpoint_}), .came_ns = now_ns});
  }
  void look() {
    const std::int64_t now_ns = monotonic_ns();
    std::erase_if(waiting_, [&](const Newcomer& newcomer) {
      const bool has_ended = newcomer.listener->state() == CrowdListener::State::ended;
      const bool hears = newcomer.listener->check().frames() > 0;
      if (hears) {
        first_frames_.add(now_ns - newcomer.came_ns);
        if (!stay_) {
          crowd_.close(*newcomer.listener);
          ++left_;
        }
      } else if (has_ended) {
        ++refused_;
      }
      return hears || has_ended;
    });
  }

  Endpoint endpoint_;
  bool stay_;
  ListenerCrowd crowd_;
  std::vector<Newcomer> waiting_;
  std::size_t refused_ = 0;
  std::size_t left_ = 0;
  AgeHistogram first_frames_;
};

// What one way of coming was like, for those who came and for those who listened already.
struct Outcome {
  AgeHistogram first_frames;
  AgeHistogram ages;
  std::uint64_t missed = 0;  // frames, by those who listened already
  std::size_t refused = 0;
};

class Benchmark {
 public:
  explicit Benchmark(const Settings& settings) : stay_(settings.stay) {
    crowd_.add({.endpoint = server_.ipv4(), .ages = &ages_}, settings.listeners);
    if (!crowd_.run_until_all_listen(std::chrono::minutes(1))) {
      throw std::runtime_error("not all who are to be there before could join");
    }
    crowd_.run_for(std::chrono::seconds(2));
  }

  Outcome let_come(int count, std::chrono::duration<double> time) {
    ages_.clear();
    const std::uint64_t missed_before = crowd_.missed();
    Newcomers newcomers(server_.ipv4(), stay_);
    auto coming = std::async(std::launch::async, [&] { newcomers.come(count, time); });
    const bool over = crowd_.run_until(
        [&] { return coming.wait_for(std::chrono::seconds(0)) == std::future_status::ready; },
        std::chrono::hours(1));
    coming.get();
    ERADIO_CHECK(over);
    if (crowd_.ended() > 0) {
      throw std::runtime_error("somebody who listened was disconnected");
    }
    if (!crowd_.fault().empty()) {
      throw std::runtime_error("a stream is broken: " + crowd_.fault());
    }
    return {.first_frames = newcomers.first_frames(),
            .ages = ages_,
            .missed = crowd_.missed() - missed_before,
            .refused = newcomers.refused()};
  }

 private:
  bool stay_;
  Server server_;
  AgeHistogram ages_;
  ListenerCrowd crowd_;
};

void print(const std::string& what, const Outcome& outcome) {
  const AgeHistogram& first = outcome.first_frames;
  const AgeHistogram& ages = outcome.ages;
  std::printf("%-24s %7.1f %7.1f %8.1f   %7.1f %7.1f %8.1f  %7llu  %7zu\n", what.c_str(),
              first.quantile_ms(0.5), first.quantile_ms(0.99), first.max_ms(),
              ages.quantile_ms(0.5), ages.quantile_ms(0.99), ages.max_ms(),
              static_cast<unsigned long long>(outcome.missed), outcome.refused);
  std::fflush(stdout);
}

// False when it is over a bound, if there is one.
bool judge(const char* what, double value, double bound) {
  if (bound <= 0 || value <= bound) {
    return true;
  }
  std::printf("expected: %s of at most %.0f ms\n", what, bound);
  return false;
}

int run(const Settings& settings) {
  Benchmark benchmark(settings);
  std::printf("%d listen already; ms\n\n", settings.listeners);
  std::printf(
      "                         first frame: p50, p99, max    age of the others: the same   "
      "missed  refused\n");
  const Outcome single =
      benchmark.let_come(settings.single_joins, std::chrono::duration<double>(5));
  print(std::to_string(settings.single_joins) + " in 5 s", single);
  const Outcome many =
      benchmark.let_come(settings.joins, std::chrono::duration<double>(settings.seconds));
  char what[64];
  std::snprintf(what, sizeof what, "%d in %.1f s", settings.joins, settings.seconds);
  print(what, many);
  const bool first_in_time =
      judge("a p99 of the single ones' first frame", single.first_frames.quantile_ms(0.99),
            settings.first_frame_max_ms);
  const bool others_in_time = judge("a p99 age of the others while many come",
                                    many.ages.quantile_ms(0.99), settings.age_max_ms);
  const bool nobody_refused = single.refused + many.refused == 0;
  if (!nobody_refused) {
    std::printf("expected: nobody to be refused\n");
  }
  return first_in_time && others_in_time && nobody_refused ? 0 : 1;
}

int run(int argument_count, char** arguments) {
  Settings settings;
  options::options_description description(
      "How soon newcomers hear the first frame, and what they cost those who listen already");
  description.add_options()("listeners", options::value(&settings.listeners)->default_value(3000),
                            "who listen already")(
      "single_joins", options::value(&settings.single_joins)->default_value(200),
      "who come one by one, in 5 s")(
      "joins", options::value(&settings.joins)->default_value(10'000), "who come then")(
      "seconds", options::value(&settings.seconds)->default_value(5), "in which they come, evenly")(
      "stay", options::value(&settings.stay)->default_value(true),
      "0: they leave when they have heard one frame")(
      "first_frame_max", options::value(&settings.first_frame_max_ms)->default_value(0),
      "ms: exit with status 1 when the p99 of the single ones' first frame takes longer")(
      "age_max", options::value(&settings.age_max_ms)->default_value(0),
      "ms: exit with status 1 when the others' p99 age is higher while many come");
  if (!read_options(argument_count, arguments, description)) {
    return 0;
  }
  if (settings.listeners < 1 || settings.joins < 1 || settings.single_joins < 1 ||
      settings.seconds <= 0) {
    throw std::runtime_error("listeners, joins and seconds must be positive");
  }
  return run(settings);
}

}  // namespace
}  // namespace eradio::testing

int main(int argument_count, char** arguments) {
  return eradio::testing::run_main("eradio-bench-joins", eradio::testing::run, argument_count,
                                   arguments);
}
