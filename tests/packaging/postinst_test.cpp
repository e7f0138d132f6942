// What the package does with a server that runs when a new version is installed, with eradioctl and
// the rest of the system played by scripts. The whole of it, in a system: tests/package.sh.

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/server.h"
#include "tests/support/temporary_directory.h"

namespace eradio::testing {
namespace {

class Postinst : public ::testing::Test {
 protected:
  Postinst() {
    play("policy-rc.d", "exit 0");
    play("grep", "exit 1");
  }
  void play(const std::string& program, const std::string& script) const {
    const std::string path = directory.write(program, "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(path, std::filesystem::perms(0755));
  }
  [[nodiscard]] RunReport run() const {
    const RunReport report = run_program(
        {"/bin/sh", "-c", "PATH=$0:$PATH exec sh \"$1\" configure 0.0.1", directory.file(""),
         std::string(ERADIO_CHECKOUT) + "/packaging/debian/eradio.postinst"});
    EXPECT_EQ(report.exit_status(), 0) << report.errors;
    return report;
  }
  const TemporaryDirectory directory;
};

TEST_F(Postinst, UpgradesAServerThatAnswersWhateverItSays) {
  // One that does not understand what it reads, as a later eradioctl may not.
  play("eradioctl",
       "case \"$*\" in\n\"--json status\") echo {} ;;\nupgrade) echo upgraded ;;\n*) exit 1 "
       ";;\nesac");
  EXPECT_EQ(run().output, "upgraded\n");
}

TEST_F(Postinst, SaysNothingWhenNoServerRuns) {
  play("eradioctl", "echo eradioctl: no eradio answers >&2\nexit 3");
  const RunReport report = run();
  EXPECT_EQ(report.output + report.errors, "");
}

TEST_F(Postinst, SaysThatAServerRunsWhichItCannotFind) {
  play("eradioctl", "echo eradioctl: no eradio answers >&2\nexit 3");
  // What it looks for among the names of all processes.
  play("grep", "[ \"$1 $2\" = \"-qsx eradiod\" ]");
  EXPECT_EQ(run().errors,
            "eradio: an eradiod runs and goes on as it is, since it could not be asked (eradioctl: "
            "no eradio answers); \"eradioctl --socket PATH upgrade\" upgrades it, with the path of "
            "its control_socket\n");
}

}  // namespace
}  // namespace eradio::testing
