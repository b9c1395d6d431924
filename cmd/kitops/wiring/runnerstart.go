package wiring

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/runners"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/secret"
)

// runnerStart starts the runners of a set as actions are.
type runnerStart struct {
	agent *Agent
	set   settings.RunnerSet
	user  *actions.User
	files runners.Copy
}

// runnerAccess asks GitHub for access by the App. A public repository is refused each time, unless it is accepted.
func (w *Wiring) runnerAccess(set settings.RunnerSet, log *slog.Logger) (func(context.Context) (runners.Access, error), error) {
	known, scope, err := w.apps.runnerScope(set)
	if err != nil {
		return nil, err
	}
	doubt := sync.OnceFunc(func() {
		log.Warn("public repositories may use the runner group: whoever opens a pull request there can have code run here", "group", set.Group, "remedy", groupRemedy)
	})
	return func(ctx context.Context) (runners.Access, error) {
		if scope.Name != "" && !set.AcceptPublic {
			private, err := known.Repository(scope.Owner, scope.Name).Private(ctx)
			if err != nil {
				return runners.Access{}, err
			}
			if !private {
				return runners.Access{}, fmt.Errorf("%s is public: whoever opens a pull request there can have code run here; accept that by public: accept", scope)
			}
		}
		if public, err := openGroup(ctx, known, scope, set); err != nil {
			log.Debug("it is not known whether public repositories may use the runner group", "err", err)
		} else if public {
			doubt()
		}
		address, token, err := known.RunnerService(ctx, scope)
		if err == nil {
			log.Debug("access to GitHub's service for runners", "scope", scope.String())
		}
		return runners.Access{URL: address, Token: token}, err
	}, nil
}

const groupRemedy = "leave Allow public repositories off in the group's settings, or accept that by public: accept"

// openGroup tells whether public repositories may use the group of a set that does not accept that.
func openGroup(ctx context.Context, known *app.App, scope app.RunnerScope, set settings.RunnerSet) (bool, error) {
	if scope.Name != "" || set.AcceptPublic {
		return false, nil
	}
	return known.PublicGroup(ctx, scope.Owner, set.Group)
}

// DoubtRunners says what speaks against a set, and what to do; "" for nothing that is known.
func (w *Wiring) DoubtRunners(ctx context.Context, set settings.RunnerSet) (doubt, remedy string) {
	known, scope, err := w.apps.runnerScope(set)
	if err != nil {
		return "", ""
	}
	if public, err := openGroup(ctx, known, scope, set); err != nil || !public {
		return "", ""
	}
	return "public repositories may use the runner group " + set.Group, groupRemedy
}

// TryRunners tells whether GitHub gives access for a set.
func (w *Wiring) TryRunners(ctx context.Context, set settings.RunnerSet) error {
	connect, err := w.runnerAccess(set, slog.New(slog.DiscardHandler))
	if err == nil {
		_, err = connect(ctx)
	}
	return err
}

// runnerScope is the App of a set, and what of GitHub it is for. Its errors are mistakes in the settings.
func (a *apps) runnerScope(set settings.RunnerSet) (*app.App, app.RunnerScope, error) {
	known, err := a.get(*set.GitHub, false)
	if err != nil {
		return nil, app.RunnerScope{}, fmt.Errorf("runners %s: github: %w", set.Name, err)
	}
	scope, ok := known.RunnerScope(set.URL)
	if !ok {
		return nil, scope, fmt.Errorf("runners %s: %s is not on the host that belongs to %s", set.Name, set.URL, a.apiURL)
	}
	return known, scope, nil
}

// mistakesOf are those in the settings of runners.
func (w *Wiring) mistakesOf(sets []settings.RunnerSet) error {
	var mistakes []error
	for _, set := range sets {
		if _, _, err := w.apps.runnerScope(set); err != nil {
			mistakes = append(mistakes, err)
		}
	}
	if len(mistakes) > 0 {
		return &settings.Error{Mistakes: mistakes}
	}
	return nil
}

// room is why another runner would fill the disk.
func (s *runnerStart) room() error {
	space, err := git.SpaceOf(s.agent.dirs.Path)
	if err != nil || space.Total == 0 || space.Free >= uint64(s.set.MinFree) {
		return nil //nolint:nilerr // a file system that tells nothing has no end
	}
	return fmt.Errorf("%s is free at %s, less than min_free %s", git.Size(space.Free), s.agent.dirs.Path, s.set.MinFree)
}

func (s *runnerStart) remove(ctx context.Context, dir string) error {
	return files.RemoveTree(ctx, dir)
}

// stop ends what an agent that was killed has left running.
func (s *runnerStart) stop(ctx context.Context, left runners.Runner) error {
	var group actions.Group
	if left.Group != "" {
		if err := json.Unmarshal([]byte(left.Group), &group); err != nil {
			return fmt.Errorf("read which processes they are: %w", err)
		}
	}
	return group.Stop(ctx, left.Run, s.agent.Kill)
}

// tell lets the history, and who follows it, know.
func (s *runnerStart) tell(e poller.Event) {
	e.Task = s.set.Name
	if s.agent.history != nil {
		s.agent.history.Observe(e)
	} else {
		s.agent.feed.Observe(e)
	}
}

// run runs a runner with all that actions are given: a session and a cgroup of its own, and an end that leaves nothing.
func (s *runnerStart) run(ctx context.Context, p runners.Process) error {
	began := time.Now()
	run := poller.Run{
		ID: p.RunID, Task: s.set.Name, Attempt: 1, Started: began.UTC().Truncate(time.Millisecond), Outcome: poller.Pending, Action: s.set.Action.Name,
	}
	s.tell(poller.Event{Kind: poller.Started, Run: run})
	s.tell(poller.Event{Kind: poller.ActionStarted, Run: run})
	var mask secret.Mask
	mask.Add(append(s.set.Secrets(), p.Config)...)
	out := mask.Writer(printed(func(data []byte) { s.tell(poller.Event{Kind: poller.Printed, Run: run, Data: data}) }))
	a := s.agent
	err := s.set.Action.Run(ctx, actions.Options{
		Dir: p.Dir, Environ: a.Environ, Out: out, User: s.user, Limits: s.set.Limits, Processes: a.Processes, Grace: a.Grace, Kill: a.Kill,
		Vars: []string{
			"HOME=" + p.Home, "TMPDIR=" + p.Temp, runners.Variable + "=" + p.Config.Reveal(),
			"RUNNER_MANUALLY_TRAP_SIG=1", // GitHub's run.sh hands a signal on only with this
			"KITOPS_RUN_ID=" + p.RunID, "KITOPS_TASK_NAME=" + s.set.Name, "KITOPS_ACTION_NAME=" + s.set.Action.Name,
		},
		Started: func(g actions.Group) {
			text, err := json.Marshal(g)
			if err != nil {
				text = nil // it is numbers and text
			}
			p.Started(string(text), g.Interrupt)
		},
	})
	_ = out.Close() // its writers return no error
	c := p.Conclude(context.WithoutCancel(ctx), err)
	if c.Reason != "" { // the runner failed, or ended without a job; where the job failed, GitHub has its log
		_, _ = io.WriteString(out, s.files.Diagnosis(p.Dir))
		_ = out.Close()
	}
	run.Took = time.Since(began)
	run.Finished = run.Started.Add(run.Took.Truncate(time.Millisecond))
	run.Outcome, run.Reason = outcomeOf(c)
	if c.Worked && c.Result == "" && c.Reason != "" {
		a.metrics.JobEnded(s.set.Name, "lost")
	} else if c.Worked {
		a.metrics.JobEnded(s.set.Name, c.Result)
	}
	s.tell(poller.Event{Kind: poller.Finished, Run: run})
	a.log.Info("a runner has ended", "runners", s.set.Name, "runner", p.Name, "run", run.ID, "job", c.Job, "outcome", run.Outcome, "reason", run.Reason, "took", run.Took.Round(time.Millisecond))
	return err
}

// outcomeOf is how a runner's run ended: as its job did, where that is known. A job that was cancelled is no success.
func outcomeOf(c runners.Conclusion) (poller.Outcome, string) {
	about := func(reason string) string {
		if c.Job != "" {
			return c.Job + ": " + reason
		}
		return reason
	}
	switch {
	case c.Reason != "":
		return poller.Error, about(c.Reason)
	case c.Result == "succeeded", c.Result == "idle", c.Result == "":
		return poller.Success, c.Job
	}
	return poller.Failure, about("the job has " + c.Result)
}

// printed is a writer that hands on what a runner prints.
type printed func(data []byte)

func (f printed) Write(data []byte) (int, error) {
	f(data)
	return len(data), nil
}
