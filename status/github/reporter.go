package github

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"sync"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
)

// Reporter reports runs on their commits.
type Reporter struct {
	// Find returns the repository that a report is for, nil when there is no App for it any more.
	Find func(poller.Report) *app.Repository
	// TargetURL is what statuses and check runs link to, with {task}, {sha} and {run}; may be empty.
	TargetURL string
	Log       *slog.Logger

	// What check runs show beside; all may be left out.
	Member  string                   // this instance, where it has a name
	Records *Records                 // what runs did
	LogMode func(task string) string // whether the end of the log is shown
	Commits func(ctx context.Context, task, after, upTo string, most int) ([]Commit, error)
	Has     func(ctx context.Context, task, sha string, paths []string) (map[string]bool, error) // which files a revision has

	// Anew has the last report of a run told once more, with a remark. It may be nil.
	Anew func(ctx context.Context, run poller.Run, remark string) error

	progress progress
	ends     readBack

	mu        sync.Mutex
	posts     map[string]int  // statuses by repository, SHA and context
	strangers map[string]bool // tasks of which it was said that others use their context
}

// Whether check runs show the end of the log.
const (
	LogNone   = "none"
	LogTail   = "tail"   // of private repositories
	LogPublic = "public" // of all
)

// Report is the poller.Reporter. It is safe for concurrent use.
func (g *Reporter) Report(ctx context.Context, r poller.Report) error {
	log := g.Log.With("task", r.Run.Task, "sha", r.Run.Revision.SHA, "run", r.Run.ID)
	repository := g.Find(r)
	switch {
	case repository == nil:
		log.Warn("no commit status: there is no GitHub App for this repository any more")
		return nil
	case r.As == AsCheck && r.Note != nil:
		return g.reportCheck(ctx, r, repository, log)
	}
	return g.reportStatus(ctx, r, repository, log)
}

// lookAround says once of a task who else reports under its name on a commit: what such a one says may be taken for a result.
func (g *Reporter) lookAround(ctx context.Context, r poller.Report, to *app.Repository, log *slog.Logger) {
	g.mu.Lock()
	said := g.strangers[r.Run.Task]
	g.mu.Unlock()
	if said {
		return
	}
	found, err := to.Strangers(ctx, r.Run.Revision.SHA, r.To)
	if err != nil || len(found) == 0 {
		return
	}
	log.Warn("somebody else reports under the name of this task: what they say may be taken for its result", "context", r.To, "by", strings.Join(found, ", "),
		"remedy", "choose this App as the expected source in the rules of the branch")
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.strangers == nil || len(g.strangers) > maxCounted {
		g.strangers = map[string]bool{}
	}
	g.strangers[r.Run.Task] = true
}

// done is the error of a report that is worth another try; nil when it has arrived or never will.
func (g *Reporter) done(check bool, err error, log *slog.Logger) error {
	var refused *app.RefusedError
	var uncovered *app.NotCoveredError
	var ungranted *app.PermissionError
	switch {
	case errors.As(err, &ungranted), errors.As(err, &uncovered) && uncovered.Public:
		return nil // a warning has said that there are no statuses
	case errors.As(err, &refused) && check:
		log.Warn("GitHub refused the check run", "err", err)
		return nil
	case errors.As(err, &refused):
		log.Warn("GitHub refused the commit status", "err", err)
		return nil
	}
	return err
}

func (g *Reporter) records() *Records {
	if g.Records == nil {
		return &Records{}
	}
	return g.Records
}

func (g *Reporter) logMode(task string) string {
	if g.LogMode == nil {
		return LogNone
	}
	return g.LogMode(task)
}

// Target is what the status of a run links to; "" for nothing.
func (g *Reporter) Target(r poller.Run) string {
	return strings.NewReplacer("{task}", escaped(r.Task), "{sha}", r.Revision.SHA, "{run}", escaped(r.ID)).Replace(g.TargetURL)
}

// escaped is right in a path and in a query.
func escaped(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
