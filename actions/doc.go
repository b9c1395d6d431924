// Package actions runs one command: it starts it, streams what it prints, and
// stops its whole process group when it must end.
//
// Stopping means SIGTERM, a grace period, then SIGKILL until nothing is left.
// On Linux that includes processes which left the group (setsid) but still
// carry the run's KITOPS_RUN_ID in their environment; there is no cheaper mark
// that survives a double fork, and cgroups are not always ours to make.
// On Windows a job object holds the tree. Elsewhere it is the group alone.
//
// A command that ends by itself may leave processes behind on purpose (a deploy
// that starts a service). They are left alone; only their hold on the
// command's output is given up, after WaitDelay.
package actions
