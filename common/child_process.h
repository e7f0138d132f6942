// Starts a program by fork and exec with exactly the descriptors it is meant to have. Used by the
// master for workers and the source. Does not reap: the master does that on SIGCHLD.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace eradio {

struct ChildProgram {
  // The program (looked up in PATH when it has no slash) and its arguments.
  std::vector<std::string> arguments;
  // This open file is the program, whatever stands at its path by now; -1: look it up. Borrowed.
  int executable = -1;
  // "NAME=value" settings that are added to, or replace, those of this process. What a service
  // manager says to this process alone (sd_notify(3)) no child gets.
  std::vector<std::string> environment;

  struct PassedDescriptor {
    int ours;    // borrowed
    int theirs;  // the number it has in the child
  };
  // Everything else is closed in the child, standard error excepted.
  std::vector<PassedDescriptor> descriptors;
  // Its own session and process group, so that it can be stopped with all its children.
  bool own_session = false;
};

// Returns the process id. The child gets SIGKILL when this process dies (prctl(2),
// PR_SET_PDEATHSIG), default signal dispositions and an empty signal mask. Throws
// std::system_error when fork fails or the program cannot be executed.
pid_t start_child(const ChildProgram& program);

// "exited with status 3", "was killed by signal 9 (Killed)": what waitpid(2) reported, in words.
std::string describe_exit(int wait_status);

}  // namespace eradio
