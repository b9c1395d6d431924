package wiring

import (
	"context"
	"errors"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store/lease"
	"github.com/bittrance/kitops/status/github"
	"github.com/bittrance/kitops/status/history"
	"github.com/bittrance/kitops/status/page"
)

// reportAs is the form in which a task's runs are reported, as a poller.Task has it.
func reportAs(t settings.Task) string {
	if t.GitHub.Report == settings.ReportCheck {
		return github.AsCheck
	}
	return ""
}

// onCommits is what tells commits of their runs.
func (a *Agent) onCommits() *github.Reporter {
	return &github.Reporter{
		Find: a.wiring.Find, TargetURL: statusURL(a.settings), Log: a.log, Member: a.settings.Status.Instance,
		Records: &github.Records{Wants: a.hasChecks, Plain: page.Plain},
		LogMode: a.checkLog, Commits: a.broughtCommits, Has: a.hasFiles,
		Anew: func(ctx context.Context, run poller.Run, remark string) error {
			err := a.ReportAnew(ctx, poller.Reported{Task: run.Task, Run: run}, remark)
			if _, elsewhere := errors.AsType[*lease.HeldError](err); elsewhere {
				return nil
			}
			return err
		},
	}
}

// withdraw takes back what the check runs of a run show of what it printed.
func (a *Agent) withdraw(ctx context.Context, run history.Run, by string) error {
	known, _ := a.Snapshot(run.Task)
	to := a.wiring.Find(poller.Report{Run: poller.Run{Task: run.Task}, URL: known.State.URL})
	if to == nil || known.State.ReportTo == "" || !a.hasChecks(run.Task) {
		return nil
	}
	return a.commits.Withdraw(ctx, to, run.SHA, known.State.ReportTo, run.ID, by)
}

// configured is the task of the settings that a task is, or stands for.
func (a *Agent) configured(task string) (settings.Task, bool) {
	for _, t := range a.Catalog.Settings().Tasks {
		if t.Name == task || t.Repos != nil && t.Stands(task) {
			return t, true
		}
	}
	return settings.Task{}, false
}

// hasChecks tells whether a task has check runs, or may have one that has begun.
func (a *Agent) hasChecks(task string) bool {
	if t, known := a.configured(task); known && t.GitHub != nil && t.GitHub.Report == settings.ReportCheck {
		return true
	}
	known, _ := a.Snapshot(task)
	for _, r := range known.State.Refs {
		if r.ReportAs == github.AsCheck {
			return true
		}
	}
	return false
}

func (a *Agent) checkLog(task string) string {
	if t, known := a.configured(task); known && t.GitHub != nil && t.GitHub.CheckLog != "" {
		return t.GitHub.CheckLog
	}
	return github.LogNone
}

// clone is the mirror of a task.
func (a *Agent) clone(task string) (*git.Mirror, error) {
	a.wiring.mu.Lock()
	defer a.wiring.mu.Unlock()
	if mirror := a.wiring.clones[task]; mirror != nil {
		return mirror, nil
	}
	return nil, errors.ErrUnsupported
}

// broughtCommits are those that a run brings, as far as the task's clone has them.
func (a *Agent) broughtCommits(ctx context.Context, task, after, upTo string, most int) ([]github.Commit, error) {
	mirror, err := a.clone(task)
	if err != nil {
		return nil, err
	}
	all, err := mirror.Commits(ctx, after, upTo, most)
	commits := make([]github.Commit, len(all))
	for i, c := range all {
		commits[i] = github.Commit(c)
	}
	return commits, err
}

// hasFiles tells which files a revision has.
func (a *Agent) hasFiles(ctx context.Context, task, sha string, paths []string) (map[string]bool, error) {
	mirror, err := a.clone(task)
	if err != nil {
		return nil, err
	}
	return mirror.Files(ctx, sha, paths)
}
