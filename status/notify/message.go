package notify

import (
	"fmt"
	"strings"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/status"
)

// Fields are what a template may use.
type Fields struct {
	Task, Ref, SHA string
	Outcome        string // success, failure, error, running
	Action, Reason string // what ended the run, "" after a success
	Attempt        int
	Took           time.Duration
	Previous       string // the revision applied before; "" for none
	Member         string // the instance that ran it
	URL            string // of the run's page; "" for none
	Change         string // start, success, failure, error, recovery, gave_up, behind, caught_up, gone
	Since          string // how long it had been failing or behind, "" unless it was
	Broken         string // the revision that failed or waited first, or ""
}

// fields of a report. Texts from elsewhere are one printable line each.
func fields(r poller.Report, member, page string) Fields {
	f := Fields{
		Task: line(r.Run.Task), Ref: line(r.Run.Revision.Name()), SHA: r.Run.Revision.SHA, Outcome: r.Run.Outcome.Word(),
		Action: line(r.Run.Action), Reason: line(r.Run.Reason), Attempt: r.Run.Attempt, Took: r.Run.Duration().Round(time.Millisecond),
		Previous: r.Run.Previous, Member: line(member), URL: page, Change: string(r.Change), Broken: r.Broken,
	}
	if !r.Since.IsZero() {
		f.Since = roughly(came(r).Sub(r.Since))
	}
	return f
}

// came is when a report came up.
func came(r poller.Report) time.Time {
	if r.At.IsZero() {
		return r.Run.Finished
	}
	return r.At
}

func line(text string) string {
	return app.Redact(status.Printable(strings.ReplaceAll(text, "\n", "; ")))
}

// example is a failure to try templates on.
func example() Fields {
	return fields(poller.Report{
		Run: poller.Run{
			Task: "shop", Revision: git.Revision{Ref: "refs/heads/main", SHA: strings.Repeat("8e1f6a2", 6)[:40]}, Attempt: 1,
			Outcome: poller.Failure, Action: "deploy", Reason: "exit status 3", Took: 42 * time.Second,
		},
		Change: poller.Failed,
	}, "build-1", "https://kitops.example.com/runs/1")
}

// text is the usual message.
func (f Fields) text() string {
	where := fmt.Sprintf("%s (%s at %.7s)", f.Task, f.Ref, f.SHA)
	what := " failed: "
	switch poller.Change(f.Change) {
	case poller.Begun:
		return where + " has started"
	case poller.Succeeded:
		return fmt.Sprintf("%s succeeded in %s", where, f.Took)
	case poller.Recovered:
		return fmt.Sprintf("%s succeeded again, after failing for %s since %.7s", where, f.Since, f.Broken)
	case poller.Unwatchable:
		return fmt.Sprintf("%s: %s is no longer watched; since %.7s it was failing or not applied", f.Task, f.Ref, f.Broken)
	case poller.Late:
		return fmt.Sprintf("%s should have been applied %s ago: %s", where, f.Since, f.Reason)
	case poller.CaughtUp:
		return fmt.Sprintf("%s: %s is applied as it should be again, after %s", f.Task, f.Ref, f.Since)
	case poller.Erred:
		what = " could not be run: "
	}
	if f.Action != "" {
		what += f.Action + ": "
	}
	what += f.Reason
	if f.Attempt > 1 {
		what += fmt.Sprintf(" (try %d)", f.Attempt)
	}
	if poller.Change(f.Change) == poller.GaveUp {
		what += fmt.Sprintf("; gave up: kitops again %s", f.Task)
	}
	return where + what
}

// cause is what messages have in common that one digest tells: nothing of the task is in it.
func (f Fields) cause() string {
	switch poller.Change(f.Change) {
	case poller.Erred:
		return f.Change + " " + f.Reason
	case poller.Failed, poller.GaveUp:
		return f.Change + " " + f.Action + " " + f.Reason
	}
	return f.Change
}

// roughly is a duration as people say it.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
