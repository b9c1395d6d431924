package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status"
)

// AsCheck is the ReportAs of a task that has check runs.
const AsCheck = "check"

const (
	queued         = "queued"
	inProgress     = "in_progress"
	completed      = "completed"
	actionRequired = "action_required" // a conclusion

	// CancelButton is the identifier of the button that ends a run.
	CancelButton = "cancel"
	// ApproveButton is the identifier of the button that lets a revision run.
	ApproveButton = "approve"

	commitsPatience = 2 * time.Second // for what a run brings to be looked up
)

// externalID names a check run, by which it is found again when the answer to its making was lost.
func externalID(r poller.Report) string {
	id := fmt.Sprintf("%s/%d", r.Run.ID, r.Run.Attempt)
	if r.Run.Waits == poller.ForApproval { // it is completed; the run has another
		id += "/approval"
	}
	if r.Repeats != "" {
		id += "/" + r.Repeats
	}
	return id
}

// runOf is the run and the try that an external ID is of.
func runOf(id string) string {
	run, rest, _ := strings.Cut(id, "/")
	try, _, _ := strings.Cut(rest, "/")
	return run + "/" + try
}

// reportCheck tells by a check run. One that has come to its end is never changed back: each run that is shown has its own.
func (g *Reporter) reportCheck(ctx context.Context, r poller.Report, to *app.Repository, log *slog.Logger) error {
	n := parseNote(*r.Note)
	if sha := r.Run.Revision.SHA; n.sha != sha {
		n = note{sha: sha, check: true}
		allowed, err := to.ChecksAllowed(ctx, r.Run.Started)
		if err != nil {
			return g.done(true, err, log)
		}
		if n.check = allowed; !allowed {
			*r.Note = n.String()
		}
	}
	if !n.check { // the commit keeps the kind that it began with
		to.WantStatuses()
		return g.reportStatus(ctx, r, to, log)
	}
	to.WantChecks()
	key := externalID(r)
	g.progress.end(r.Run.ID) // from here on nothing else may change it
	if r.Doubtful {
		g.lookAround(ctx, r, to, log)
	}
	n, err := g.known(ctx, r, to, n, key)
	if err != nil {
		return g.done(true, err, log)
	}
	var wanted app.CheckRun
	wanted, err = g.composed(ctx, r, to)
	if err != nil || wanted.Name == "" {
		return g.done(true, err, log)
	}
	switch {
	case n.id == 0 || !n.completed():
	case wanted.Status != completed, r.Doubtful && n.state == wanted.Conclusion && n.sent >= len(wanted.Output.Annotations):
		*r.Note = n.String()
		return nil
	case n.state == actionRequired: // it is not approved any more, and will not run
	case n.state != wanted.Conclusion: // a fleet's
		n.id, n.sent = 0, 0
	}
	if err := g.send(ctx, r, to, n, wanted, log); err != nil {
		return g.done(true, err, log)
	}
	if wanted.Status == completed {
		g.records().forget(r.Run.ID)
	}
	return nil
}

// known is what GitHub is known to have of a check run: by what was noted or, in doubt, by what GitHub says.
func (g *Reporter) known(ctx context.Context, r poller.Report, to *app.Repository, n note, key string) (note, error) {
	var found app.KnownCheck
	there := false
	var err error
	if n.id != 0 && !n.completed() && runOf(n.key) == runOf(key) { // what has waited waits for approval now
		n.key = key
	}
	switch {
	case n.key == key && r.Doubtful:
		var refused *app.RefusedError
		if found, err = to.Check(ctx, n.id, r.Run.Started); errors.As(err, &refused) {
			n.id, err = 0, nil
		}
		there = n.id != 0
	case n.key == key:
		return n, nil
	default:
		n = note{sha: n.sha, check: true, key: key}
		if r.Doubtful {
			found, there, err = to.FindCheck(ctx, n.sha, r.To, key, r.Run.Started)
		}
	}
	if err == nil && there {
		n.id, n.state, n.sent = found.ID, cmp.Or(found.Conclusion, found.Status), found.Output.Count
	}
	return n, err
}

// send makes or changes a check run, with its annotations, and notes how far it has come.
func (g *Reporter) send(ctx context.Context, r poller.Report, to *app.Repository, n note, wanted app.CheckRun, log *slog.Logger) error {
	remarks := wanted.Output.Annotations
	for {
		rest := remarks[min(n.sent, len(remarks)):]
		wanted.Output.Annotations = rest[:min(len(rest), app.MaxAnnotations)]
		made := n.id == 0
		var err error
		if made {
			n.id, err = to.CreateCheck(ctx, wanted)
			wanted.Since = time.Now() // for some time it may not be known everywhere
		} else {
			err = to.UpdateCheck(ctx, n.id, wanted)
		}
		var refused *app.RefusedError
		switch {
		case errors.As(err, &refused) && !made && refused.Missing():
			n.id, n.sent = 0, 0 // somebody has removed it
			continue
		case errors.As(err, &refused) && len(wanted.Output.Annotations) > 0: // a check run is worth more than they are
			log.Warn("GitHub refused the annotations of the check run", "err", err)
			remarks = remarks[:n.sent]
			continue
		case err != nil:
			return err
		}
		n.sent, n.state = n.sent+len(wanted.Output.Annotations), cmp.Or(wanted.Conclusion, wanted.Status)
		*r.Note = n.String()
		if n.sent >= len(remarks) {
			break
		}
	}
	switch {
	case n.completed():
		g.ends.add(ended{report: r, id: n.id, wanted: wanted, to: to, log: log})
	case wanted.Status == inProgress && r.Run.ID != "":
		g.progress.begin(r.Run, n.id, to)
	}
	return nil
}

// compose is the check run of a report.
func (g *Reporter) compose(ctx context.Context, r poller.Report, to *app.Repository) app.CheckRun {
	run := r.Run
	c := app.CheckRun{
		Name: r.To, SHA: run.Revision.SHA, ExternalID: externalID(r), DetailsURL: g.Target(run),
		Status: inProgress, StartedAt: moment(run.Started), Since: run.Started,
		Actions: []app.Button{{Label: "Cancel", Description: "End this run", Identifier: CancelButton}},
	}
	seen := g.records().of(run.ID)
	var commits []Commit
	switch {
	case run.Outcome == poller.Pending && run.Waits == "":
	case run.Outcome == poller.Pending && run.Waits == poller.ForApproval:
		c.Status, c.Conclusion, c.StartedAt, c.CompletedAt = completed, actionRequired, nil, moment(run.Started)
		commits = g.commits(ctx, r)
		c.Actions = []app.Button{{Label: "Approve", Description: "Let this revision run", Identifier: ApproveButton}}
	case run.Outcome == poller.Pending:
		c.Status, c.StartedAt, c.Actions = queued, nil, []app.Button{}
	default:
		c.Status, c.Conclusion, c.CompletedAt, c.Actions = completed, conclusion(run), moment(run.Finished), []app.Button{}
		c.Output.Annotations = g.inTree(ctx, r, seen.remarks)
		commits = g.commits(ctx, r)
	}
	annotations := c.Output.Annotations
	c.Output = g.output(ctx, run, seen, commits, to)
	c.Output.Annotations = annotations
	c.Output.Summary = remarked(r.Remark, c.Output.Summary)
	return c
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}

func (g *Reporter) output(ctx context.Context, run poller.Run, seen record, commits []Commit, to *app.Repository) app.CheckOutput {
	out := app.CheckOutput{Title: status.Describe(run), Summary: summary(run, seen, commits, g.Member, g.Target(run))}
	shown, why := g.showsLog(ctx, run.Task, to)
	if shown {
		out.Text = logText(seen)
	}
	out.Summary += why
	return out
}

// showsLog tells whether the end of the log may be shown. On a public repository the world would read it.
func (g *Reporter) showsLog(ctx context.Context, task string, to *app.Repository) (shown bool, why string) {
	switch mode := g.logMode(task); mode {
	case LogPublic:
		return true, ""
	case LogTail:
		if private, err := to.Private(ctx); err != nil || !private {
			return false, "\nThe log is not shown on public repositories; `github.check_log: public` shows it.\n"
		}
		return true, ""
	}
	return false, ""
}

// conclusion is how a run has ended, in GitHub's words.
func conclusion(run poller.Run) string {
	switch {
	case run.Outcome == poller.Success:
		return "success"
	case run.Cancelled != "", run.Overtaken(), run.Interrupted(), run.Waits != "" && run.Outcome == poller.Failure && run.Action == "":
		return "cancelled"
	case run.Outcome == poller.Failure && strings.HasPrefix(run.Reason, "out of time"):
		return "timed_out"
	}
	return "failure"
}

// commits are those that a run brings, as far as they are known here.
func (g *Reporter) commits(ctx context.Context, r poller.Report) []Commit {
	if g.Commits == nil || r.Run.Previous == "" || r.Run.Previous == r.Run.Revision.SHA {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, commitsPatience)
	defer cancel()
	all, err := g.Commits(ctx, r.Run.Task, r.Run.Previous, r.Run.Revision.SHA, maxCommits+1)
	if err != nil {
		return nil
	}
	return all
}

// inTree leaves out the annotations of files that the revision does not have.
func (g *Reporter) inTree(ctx context.Context, r poller.Report, all []app.Annotation) []app.Annotation {
	if len(all) == 0 || g.Has == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, commitsPatience)
	defer cancel()
	var paths []string
	for _, a := range all {
		paths = append(paths, a.Path)
	}
	has, err := g.Has(ctx, r.Run.Task, r.Run.Revision.SHA, paths)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(all), func(a app.Annotation) bool { return !has[a.Path] })
}
