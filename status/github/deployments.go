package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status"
)

const (
	// maxEnvironmentURL is what GitHub takes, in bytes.
	maxEnvironmentURL = 255

	inactive = "inactive"
)

// Deployments reports runs as deployments to an environment.
type Deployments struct {
	// Find returns the repository that a report is for, nil when there is no App for it any more.
	Find func(poller.Report) *app.Repository
	// LogURL is what a status links to; "" for nothing. It may be nil.
	LogURL func(poller.Run) string
	// URL is the address of the environment, with {task}, {ref}, {sha} and {run}; "" for none.
	URL func(task string) string
	Log *slog.Logger

	ungranted sync.Map // tasks for which it was said that deployments are not granted
}

// Report is the poller.Reporter of deployments. It is safe for concurrent use.
func (d *Deployments) Report(ctx context.Context, r poller.Report) error {
	log := d.Log.With("task", r.Run.Task, "sha", r.Run.Revision.SHA, "run", r.Run.ID)
	repository := d.Find(r)
	if repository == nil {
		log.Warn("no deployment: there is no GitHub App for this repository any more")
		return nil
	}
	var known deployed
	if r.Note != nil && *r.Note != "" {
		if err := json.Unmarshal([]byte(*r.Note), &known); err != nil {
			log.Warn("what is remembered of deployments is not readable: the former one stays active", "err", err)
		}
	}
	t := telling{Deployments: d, report: r, repository: repository, known: &known, log: log}
	err := t.tell(ctx)
	if r.Note != nil {
		*r.Note = known.String()
	}
	var refused *app.RefusedError
	var ungranted *app.PermissionError
	var uncovered *app.NotCoveredError
	switch {
	case errors.As(err, &ungranted):
		if _, said := d.ungranted.LoadOrStore(r.Run.Task, true); !said {
			log.Warn("no deployments: the GitHub App lacks a permission", "permission", "deployments:write", "remedy", ungranted.Remedy)
		}
		return nil
	case errors.As(err, &uncovered) && uncovered.Public:
		return nil
	case errors.As(err, &refused):
		log.Warn("GitHub refused the deployment", "err", refused.Unwrap())
		return nil
	case err == nil:
		d.ungranted.Delete(r.Run.Task)
	}
	return err
}

// telling is one report on its way.
type telling struct {
	*Deployments
	report     poller.Report
	repository *app.Repository
	known      *deployed
	log        *slog.Logger
}

// tell brings what GitHub has to what the report says. What is done is remembered at once, so that it is done once.
func (t *telling) tell(ctx context.Context) error {
	run, ref := t.report.Run, t.report.Run.Revision.Ref
	if t.report.Gone {
		return t.gone(ctx, ref)
	}
	a, there := t.known.Refs[ref]
	made := run.Started
	if !there || a.SHA != run.Revision.SHA || a.Run != run.ID && run.Attempt == 1 {
		if there && a.State == inProgress { // its end was never told
			if err := passable(t.repository.PostDeploymentStatus(ctx, a.ID, app.DeploymentStatus{State: string(poller.Error), Since: run.Started})); err != nil {
				return err
			}
			a.State = string(poller.Error)
			t.known.remember(ref, a)
		}
		var err error
		if a, err = t.make(ctx); err != nil {
			return err
		}
		t.known.remember(ref, a)
		made = time.Now()
	}
	state := stateOf(run.Outcome)
	if a.State != state {
		if err := t.post(ctx, a, state, made); err != nil {
			return err
		}
		a.State = state
		t.known.remember(ref, a)
	}
	if run.Outcome != poller.Success {
		return nil
	}
	if former := t.known.former(ref); former != 0 && former != a.ID {
		if err := passable(t.retire(ctx, former)); err != nil {
			return err
		}
	}
	t.known.replace(ref, a.ID)
	delete(t.known.Refs, ref)
	return nil
}

// gone takes back what is there of a pull request.
func (t *telling) gone(ctx context.Context, ref string) error {
	if id := t.known.Pulls[ref]; id != 0 {
		if err := passable(t.retire(ctx, id)); err != nil {
			return err
		}
	}
	delete(t.known.Pulls, ref)
	delete(t.known.Refs, ref)
	return nil
}

// passable leaves out what GitHub refuses for good, such as a word about a deployment that somebody has deleted.
func passable(err error) error {
	var refused *app.RefusedError
	if errors.As(err, &refused) {
		return nil
	}
	return err
}

func stateOf(o poller.Outcome) string {
	if o == poller.Pending {
		return inProgress
	}
	return string(o)
}

// make finds the deployment that the run has made, or makes it.
func (t *telling) make(ctx context.Context) (attempt, error) {
	run := t.report.Run
	environment, _ := t.report.Environment()
	wanted := app.Deployment{SHA: run.Revision.SHA, Environment: environment, Task: run.Task, Run: run.ID, Transient: poller.IsPull(run.Revision.Ref), Since: run.Started}
	var id int64
	var err error
	if t.report.Doubtful {
		id, err = t.repository.FindDeployment(ctx, wanted)
	}
	if err == nil && id == 0 {
		id, err = t.repository.CreateDeployment(ctx, wanted)
	}
	return attempt{ID: id, Run: run.ID, SHA: run.Revision.SHA}, err
}

// post says how a deployment stands, unless GitHub has heard that already.
func (t *telling) post(ctx context.Context, a attempt, state string, made time.Time) error {
	if t.report.Doubtful {
		if has, err := t.repository.DeploymentState(ctx, a.ID); passable(err) != nil || has == state {
			return err
		}
	}
	run := t.report.Run
	environment, _ := t.report.Environment()
	s := app.DeploymentStatus{State: state, Environment: environment, Description: status.Describe(run), EnvironmentURL: t.address(), Since: made}
	if t.LogURL != nil {
		s.LogURL = t.LogURL(run)
	}
	err := t.repository.PostDeploymentStatus(ctx, a.ID, s)
	var refused *app.RefusedError
	var ungranted *app.PermissionError
	if s.EnvironmentURL != "" && errors.As(err, &refused) && !errors.As(err, &ungranted) { // better without than not at all
		t.log.Warn("the deployment is told without its environment_url", "err", refused.Unwrap())
		s.EnvironmentURL = ""
		err = t.repository.PostDeploymentStatus(ctx, a.ID, s)
	}
	return err
}

// retire makes the former deployment inactive.
func (t *telling) retire(ctx context.Context, id int64) error {
	if t.report.Doubtful {
		if has, err := t.repository.DeploymentState(ctx, id); passable(err) != nil || has == inactive {
			return err
		}
	}
	return t.repository.PostDeploymentStatus(ctx, id, app.DeploymentStatus{State: inactive})
}

// address is that of the environment, "" where GitHub would not take it.
func (t *telling) address() string {
	if t.URL == nil {
		return ""
	}
	template, run := t.URL(t.report.Run.Task), t.report.Run
	if template == "" {
		return ""
	}
	filled := strings.NewReplacer("{task}", escaped(run.Task), "{ref}", escaped(run.Revision.Name()), "{sha}", run.Revision.SHA, "{run}", escaped(run.ID)).Replace(template)
	if err := CheckEnvironmentURL(filled); err != nil {
		t.log.Warn("the deployment is told without its environment_url", "err", err)
		return ""
	}
	return filled
}

// CheckEnvironmentURL tells why GitHub would not take an address.
func CheckEnvironmentURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("it must be an address that begins with https:// or http://")
	case len(text) > maxEnvironmentURL:
		return fmt.Errorf("it has more than %d bytes, which is what GitHub takes", maxEnvironmentURL)
	case u.User != nil:
		return errors.New("it must hold no user and no password: everybody reads it who sees the repository")
	}
	return nil
}
