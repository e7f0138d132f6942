// The manual pages, the configuration file and the package's version against what the programs
// really have.

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/version.h"
#include "master/configuration_keys.h"
#include "tests/support/server.h"

namespace eradio::testing {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(std::string(ERADIO_CHECKOUT) + "/" + path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || text.str().empty()) {
    throw std::runtime_error(path + " cannot be read");
  }
  return text.str();
}

// The page's list items with this macro, each up to the next item.
std::vector<std::string> items(const std::string& page, const std::string& macro) {
  const std::string begin = "\n.It " + macro + " ";
  std::vector<std::string> found;
  for (std::size_t at = page.find(begin); at != std::string::npos;
       at = page.find(begin, at + begin.size())) {
    const std::size_t text = at + begin.size();
    found.push_back(page.substr(text, page.find("\n.It ", text) - text));
  }
  return found;
}

std::string first_word(const std::string& text) {
  return text.substr(0, text.find_first_of(" \n"));
}

TEST(Manual, OfTheConfigurationHasEveryKeyWithItsDefault) {
  const auto documented = items(read_file("docs/man/eradio.conf.5"), "Cm");
  EXPECT_EQ(documented.size(), configuration_keys().size());
  for (const ConfigurationKey& key : configuration_keys()) {
    std::size_t times = 0;
    for (const std::string& item : documented) {
      if (first_word(item) != key.name) {
        continue;
      }
      ++times;
      EXPECT_NE(item.find("\nDefault: " + key.default_text + "."), std::string::npos) << item;
      const std::string heading = item.substr(0, item.find('\n'));
      EXPECT_EQ(heading.ends_with("No *"), key.changes == Changes::at_start) << heading;
    }
    EXPECT_EQ(times, 1U) << key.name;
  }
}

TEST(Manual, OfEradioctlHasEveryCommand) {
  const std::string help = run_program({installed_program("bin/eradioctl"), "--help"}).output;
  std::istringstream lines(help.substr(help.find("Commands:\n") + 10));
  const std::string page = read_file("docs/man/eradioctl.1");
  std::size_t commands = 0;
  for (std::string line; std::getline(lines, line) && !line.empty(); ++commands) {
    const std::string command = first_word(line.substr(line.find_first_not_of(' ')));
    const bool documented = page.find("\n.It Cm " + command + "\n") != std::string::npos ||
                            page.find("\n.It Cm " + command + " ") != std::string::npos ||
                            page.find(" , " + command) != std::string::npos;
    EXPECT_TRUE(documented) << command;
  }
  EXPECT_GE(commands, 11U) << help;
}

TEST(Manual, OfEradioctlHasEveryOption) {
  const std::string help = run_program({installed_program("bin/eradioctl"), "--help"}).output;
  std::istringstream lines(help.substr(help.find("Options:\n") + 9));
  const std::string page = read_file("docs/man/eradioctl.1");
  std::size_t options = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t name = line.find("--");
    if (line.find_first_not_of(' ') != 2 || name == std::string::npos) {
      continue;  // the rest of what is said of the one before
    }
    ++options;
    std::string item = "Fl -" + first_word(line.substr(name + 2));
    if (name > 2) {  // "-h [ --help ]"
      item = std::string("Fl ") + line[3] + " , -" + first_word(line.substr(name + 2));
    }
    EXPECT_NE(page.find("\n.It " + item), std::string::npos) << item;
  }
  EXPECT_GE(options, 5U) << help;
}

// Those that Debian's package has in /usr/share/doc/eradio, all in one directory.
TEST(Documents, OfThePackageLeadToWhatThePackageHas) {
  // Files and folders: dh_installdocs cannot copy the latter when the path to them has a space.
  std::istringstream list(read_file("packaging/debian/eradio.docs") +
                          read_file("packaging/debian/eradio.install"));
  std::set<std::string> shipped;
  for (std::string line; std::getline(list, line);) {
    shipped.insert(first_word(line));
  }
  const std::regex link(R"re(\]\(([^)#:]+)(#[^)]*)?\))re");
  std::size_t links = 0;
  for (const std::string& page : shipped) {
    const std::string text = page.ends_with(".md") ? read_file(page) : "";
    for (auto at = std::sregex_iterator(text.begin(), text.end(), link);
         at != std::sregex_iterator(); ++at, ++links) {
      const std::string target = "docs/" + (*at)[1].str();
      const bool is_there = std::filesystem::exists(ERADIO_CHECKOUT "/" + target);
      EXPECT_TRUE(is_there && (shipped.contains(target) ||
                               shipped.contains(target.substr(0, target.rfind('/')))))
          << page << " leads to " << target;
    }
  }
  EXPECT_GE(links, 20U);
}

TEST(ConfigurationFile, HasEveryKeyInAComment) {
  const std::string file = read_file("etc/eradio.conf");
  for (const ConfigurationKey& key : configuration_keys()) {
    EXPECT_NE(file.find("\n#" + std::string(key.name) + " = "), std::string::npos) << key.name;
  }
}

TEST(Package, HasTheVersionOfThePrograms) {
  const std::string changelog = read_file("packaging/debian/changelog");
  EXPECT_EQ(changelog.substr(0, changelog.find(')') + 1), "eradio (" ERADIO_VERSION ")");
}

// What bash offers behind these words.
std::string completions(const std::string& of, const std::string& program,
                        const std::string& words) {
  const std::string script = ". '" + std::string(ERADIO_CHECKOUT) + "/packaging/bash-completion/" +
                             of + "'; COMP_WORDS=('" + program + "' " + words +
                             "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _" + of + " '" + program +
                             "'; echo \"${COMPREPLY[*]}\"";
  const RunReport report = run_program({"bash", "-euc", script});
  EXPECT_EQ(report.errors, "");
  return report.output;
}

TEST(Completion, OfEradioctlKnowsCommandsAndOptions) {
  const std::string program = installed_program("bin/eradioctl");
  EXPECT_EQ(completions("eradioctl", program, "re"), "restart-workers reload\n");
  EXPECT_EQ(completions("eradioctl", program, "--json l"), "listeners log-level\n");
  EXPECT_EQ(completions("eradioctl", program, "--s"), "--socket\n");
  EXPECT_EQ(completions("eradioctl", program, "log-level d"), "debug\n");
  EXPECT_EQ(completions("eradioctl", program, "kick ''"), "\n");
}

TEST(Completion, OfEradiodKnowsEveryKey) {
  const std::string program = installed_program("sbin/eradiod");
  EXPECT_EQ(completions("eradiod", program, "--check"), "--check_config\n");
  EXPECT_EQ(completions("eradiod", program, "--check-c"), "--check-config\n");
  EXPECT_EQ(completions("eradiod", program, "--escrow o"), "on off\n");
  EXPECT_EQ(completions("eradiod", program, "--log-format j"), "json\n");
  const std::string all = " " + completions("eradiod", program, "--");
  for (const ConfigurationKey& key : configuration_keys()) {
    EXPECT_NE(all.find(" --" + std::string(key.name)), std::string::npos) << key.name;
  }
}

}  // namespace
}  // namespace eradio::testing
