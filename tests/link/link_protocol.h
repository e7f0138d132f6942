// What a test and the program eradio-link say to each other: lines of text, so that a person can
// use it too. The test writes commands to the program's standard input and reads one answer for
// each from its standard output; at the end of standard input the program ends.
//
//   set LINK DIRECTION [rate BITS] [delay US] [loss SHARE] [reorder SHARE] [late US] [queue BYTES]
//     → ok               from now on; what is not named is off. DIRECTION: down (to the far end),
//     up
//   report LINK DIRECTION
//     → TAKEN DROPPED LOST DELIVERED DELIVERED_BYTES
//   anything else → error WHAT
//
// The first line, without a command, says where the ends are:
//   ready NEAR FAR0 FAR1 …    paths of network namespaces, for setns(2) or nsenter(1) --net=
//
// Link N joins 10.77.N.1, an address of the near namespace, to 10.77.N.2 in a namespace of its own.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tests/link/link_direction.h"

namespace eradio::testing {

enum class LinkEnd { far, near };  // where packets of a direction go

struct LinkCommand {
  enum class Kind { set, report } kind = Kind::set;
  int link = 0;
  LinkEnd to = LinkEnd::far;
  LinkSettings settings;

  bool operator==(const LinkCommand&) const = default;
};

// Nothing when the line is no command; `error` says why.
std::optional<LinkCommand> parse_link_command(std::string_view line, std::string& error);
std::string to_line(const LinkCommand& command);

std::string to_line(const LinkReport& report);
// Throws std::runtime_error when the line is none.
LinkReport parse_link_report(const std::string& line);

constexpr int links_max = 250;
// Exit status of the program where it cannot make namespaces or TUN devices.
constexpr int links_unavailable_status = 77;

std::string near_address(int link);
std::string far_address(int link);

}  // namespace eradio::testing
