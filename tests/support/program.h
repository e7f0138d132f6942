// What the programs have in common that tests and people start by hand: how they end when something
// is in their way, and their options.
#pragma once

#include <cstdio>
#include <exception>

namespace eradio::testing {

// What main() does: what `run` returns, or 2 when it throws.
inline int run_main(const char* name, int (*run)(int, char**), int argument_count,
                    char** arguments) {
  try {
    return run(argument_count, arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", name, error.what());
    return 2;
  }
}

}  // namespace eradio::testing
