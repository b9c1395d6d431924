package wiring

import (
	"log/slog"

	"github.com/bittrance/kitops/actions"
)

// groupRuns gives runs cgroups of their own where the host lets it. Elsewhere it
// says once which processes of actions cannot be found at a timeout: not at each
// of many short executions, where doctor tells it.
func groupRuns(all *actions.Processes, user *actions.User, once bool, log *slog.Logger) {
	err := all.UseCgroup()
	if err == nil {
		log.Debug("each run has a cgroup of its own")
		return
	}
	log.Debug("runs have no cgroup of their own", "err", err)
	say := log.Info
	switch {
	case user.IsAnother():
		say = log.Warn // it is about every action
	case once:
		say = log.Debug
	}
	for _, reason := range all.Unseen(user) {
		say("not every process that an action hides is found", "reason", reason, "cgroup", err)
	}
}
