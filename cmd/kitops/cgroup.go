package main

import (
	"log/slog"

	"github.com/bittrance/kitops/actions"
)

// groupRuns gives runs cgroups of their own where the host lets it. Elsewhere it
// says once which processes of actions cannot be found at a timeout.
func groupRuns(all *actions.Processes, user *actions.User, log *slog.Logger) {
	err := all.UseCgroup()
	if err == nil {
		log.Debug("each run has a cgroup of its own")
		return
	}
	log.Debug("runs have no cgroup of their own", "err", err)
	say := log.Info
	if user.IsAnother() {
		say = log.Warn // it is about every action
	}
	for _, reason := range all.Unseen(user) {
		say("not every process that an action hides is found", "reason", reason, "cgroup", err)
	}
}
