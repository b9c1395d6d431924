// Package actions runs one command. It starts it, streams what it prints, and
// stops everything it started when it must end.
//
// Stopping means SIGTERM, a grace period, then SIGKILL until nothing is left.
// The command leads a session of its own, whose members are found everywhere
// (elsewhere than on Linux: those of its process group). On Linux processes
// that left the session are found by the cgroup of the run, where the host lets
// kitops have one (Processes.UseCgroup). Without it they are found by the run's
// KITOPS_RUN_ID in their environment, by their parents, and where no other
// action can have started them as orphans that became the agent's children.
// What may as well be another action's is left alone, and named (LeftError).
// On Windows a job object holds the tree.
//
// A command that ends by itself may leave processes behind on purpose (a deploy
// that starts a service). They are left alone: what they print is read to
// nowhere, and their cgroup stays until it is empty.
//
// A command inherits little: three descriptors, no terminal, default signals
// none of which is blocked, no capability, the environment that Options and
// Action make, and the agent's limits and umask.
package actions
