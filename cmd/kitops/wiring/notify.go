package wiring

import (
	"context"
	"slices"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/api"
	"github.com/bittrance/kitops/status/github"
	"github.com/bittrance/kitops/status/notify"
)

// notices are the targets that are notified of a task's runs, each once.
func notices(t settings.Task) []poller.Notice {
	var all []poller.Notice
	for _, n := range t.Notify {
		to := n.Target.To()
		if !slices.ContainsFunc(all, func(other poller.Notice) bool { return other.To == to }) {
			all = append(all, poller.Notice{To: to, On: n.On, After: n.After, Behind: n.Behind})
		}
	}
	return all
}

// reporter tells GitHub of runs and of deployments, or who is notified.
func (a *Agent) reporter(to *github.Reporter) poller.Reporter {
	a.sender = &notify.Sender{
		Find:   a.target,
		Page:   to.Target,
		Member: a.settings.Status.Instance,
		Log:    a.log,
	}
	deployments := &github.Deployments{Find: to.Find, LogURL: to.Target, URL: a.wiring.EnvironmentURL, Log: a.log}
	comments := &github.Comments{Find: to.Find, Log: a.log}
	return func(ctx context.Context, r poller.Report) error {
		if _, ok := r.Environment(); ok {
			return deployments.Report(ctx, r)
		}
		if _, _, ok := r.Comment(); ok {
			return comments.Report(ctx, r)
		}
		if r.Change != "" {
			return a.sender.Report(ctx, r)
		}
		return to.Report(ctx, r)
	}
}

// told is how messages have fared, for the API.
func (a *Agent) told() []api.Notified {
	var all []api.Notified
	for _, d := range a.sender.Deliveries() {
		all = append(all, api.Notified{To: d.To, Sent: d.Sent, Refused: d.Refused, Failed: d.Failed, LastSuccess: d.Succeeded, LastError: d.Erred, Error: d.Error})
	}
	return all
}

// target finds who is notified, by the configuration of now: as the task words it, else as another does.
func (a *Agent) target(task, to string) (notify.Target, bool) {
	targets := a.Catalog.notified()
	if own, ok := targets.own[[2]string{task, to}]; ok {
		return own, true
	}
	for _, t := range targets.many {
		if !t.Stands(task) {
			continue
		}
		if own, ok := targets.own[[2]string{t.Name, to}]; ok {
			return own, true
		}
	}
	found, ok := targets.any[to]
	return found, ok
}

// targets are those of a configuration, to be found by their names.
type targets struct {
	own  map[[2]string]notify.Target // by task and name
	any  map[string]notify.Target    // by name, as the last task words it
	many []settings.Task             // that stand for several
}

func targetsOf(tasks []settings.Task) targets {
	all := targets{own: map[[2]string]notify.Target{}, any: map[string]notify.Target{}}
	for _, t := range tasks {
		if t.Repos != nil {
			all.many = append(all.many, t)
		}
		for _, n := range t.Notify {
			to := n.Target.To()
			key := [2]string{t.Name, to}
			if _, twice := all.own[key]; !twice {
				all.own[key] = n.Target
			}
			all.any[to] = n.Target
		}
	}
	return all
}
