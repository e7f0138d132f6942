// eradio-test-refuse PROGRAM ARGUMENTS…: runs a program as if the kernel had no seccomp, Landlock
// or io_uring: for it and all that it starts these calls do not exist.

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <seccomp.h>

int main(int argument_count, char** arguments) {
  if (argument_count < 2) {
    std::fputs("usage: eradio-test-refuse PROGRAM ARGUMENTS...\n", stderr);
    return 2;
  }
  const scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_ALLOW);
  const scmp_arg_cmp mode{.arg = 0, .op = SCMP_CMP_EQ, .datum_a = PR_SET_SECCOMP, .datum_b = 0};
  if (filter == nullptr ||
      ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(landlock_create_ruleset), 0) <
          0 ||
      ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0) < 0 ||
      ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(seccomp), 0) < 0 ||
      ::seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1, &mode) < 0 ||
      ::seccomp_load(filter) < 0) {
    std::fputs("eradio-test-refuse: cannot make a filter\n", stderr);
    return 1;
  }
  ::execv(arguments[1], arguments + 1);
  std::fprintf(stderr, "eradio-test-refuse: %s: %s\n", arguments[1], std::strerror(errno));
  return 1;
}
