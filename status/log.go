package status

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/bittrance/kitops/poller"
)

// Log returns the observer that tells the story of runs in log lines: one
// when a run starts, one for each action and for each line it prints, one
// when the run ends. A look that found nothing says so at debug level only.
func Log(log *slog.Logger) poller.Observer {
	return func(e poller.Event) {
		l := log
		if e.Task != "" {
			l = l.With("task", e.Task)
		}
		if e.Kind == poller.Output {
			l.Info(e.Line, "action", source{e.Run}, "run", e.Run.ID) //nolint:sloglint // the line is the message
			return
		}
		if ref := e.Run.Revision.Ref; ref != "" {
			l = l.With("ref", ref, "sha", e.Run.Revision.SHA)
		}
		if e.Run.ID != "" {
			l = l.With("run", e.Run.ID)
		}
		if e.Kind == poller.Progressed {
			l.Log(context.Background(), levelProgress, "checking out", "progress", progress(e.Progress)) //nolint:forbidigo // observers have no context, and handlers need none
			return
		}
		write(l, e)
	}
}

func write(l *slog.Logger, e poller.Event) {
	r := e.Run
	switch e.Kind {
	case poller.Looked:
		looked(l, e)
	case poller.Skipped:
		if e.Count > 0 {
			l = l.With("tasks", e.Count)
		}
		if e.Next.IsZero() {
			l.Info("not run", "reason", e.Reason)
		} else {
			l.Info("not run", "reason", e.Reason, "next", moment(e.Next))
		}
	case poller.Ordered:
		l.Info("ordered", "reason", e.Reason)
	case poller.Remembered:
		if e.Count > 1 {
			l.Info("remembered, not run: the branches were there at the first poll", "branches", e.Count)
			return
		}
		remembered(l, r)
	case poller.Forgotten:
		forgotten(l, r)
	case poller.Started:
		if r.Moved != "" {
			l = l.With("moved_from", r.Moved)
		}
		l.Info("run started", "attempt", r.Attempt)
	case poller.ActionStarted:
		l.Debug("action started", "action", r.Action)
	case poller.Finished:
		finished(l, e)
	case poller.Interrupted:
		l.Warn("a run was cut off", "attempt", r.Attempt, "next", moment(e.Next))
	case poller.Unreported:
		say := l.Debug
		if e.Failures == 0 { // once for an outage
			say = l.Warn
		}
		say(undelivered(e.Undelivered), "outcome", string(r.Outcome), "err", e.Err, "next", moment(e.Next))
	case poller.Noticed:
		l.Warn("please note", "reason", e.Reason)
	case poller.Troubled:
		l.Error("trouble", "err", e.Err)
	}
}

func remembered(l *slog.Logger, r poller.Run) {
	switch {
	case r.Revision.IsTag():
		l.Info("remembered, not run: the tag was there at the first poll")
	case poller.IsPull(r.Revision.Ref):
		l.Info("remembered, not run: the pull request was open at the first poll")
	default:
		l.Info("remembered, not run: the branch was there at the first poll")
	}
}

func forgotten(l *slog.Logger, r poller.Run) {
	switch {
	case r.Revision.IsTag():
		l.Info("tag is gone or no longer watched, forgotten")
	case poller.IsPull(r.Revision.Ref):
		l.Info("pull request is closed or no longer watched, forgotten")
	default:
		l.Info("branch is gone or no longer watched, forgotten")
	}
}

// undelivered says what did not arrive.
func undelivered(what string) string {
	switch what {
	case "notification":
		return "notification not delivered yet"
	case "deployment":
		return "deployment not delivered yet"
	case "comment":
		return "comment not delivered yet"
	}
	return "commit status not delivered yet"
}

func looked(l *slog.Logger, e poller.Event) {
	var later *poller.LaterError
	switch {
	case errors.As(e.Err, &later):
		l.Debug("poll put off", "err", e.Err, "next", moment(e.Next)) // whoever has the limit has said so
	case e.Err != nil:
		l.Warn("poll failed", "err", e.Err, "next", moment(e.Next))
	case e.Failures > 0:
		l.Info("poll works again", "failures", e.Failures)
	default:
		l.Debug("polled", "next", moment(e.Next))
	}
}

func finished(l *slog.Logger, e poller.Event) {
	r := e.Run
	l = l.With("outcome", string(r.Outcome), "took", r.Duration().Round(time.Millisecond))
	if r.Signer != "" {
		l = l.With("signer", r.Signer)
	}
	if r.ApprovedBy != "" {
		l = l.With("approved_by", r.ApprovedBy)
	}
	if r.Outcome == poller.Success {
		if r.Reason != "" {
			l = l.With("reason", r.Reason)
		}
		l.Info("run finished")
		return
	}
	if r.Action != "" {
		l = l.With("action", r.Action)
	}
	l = l.With("reason", r.Reason, "attempt", r.Attempt)
	if e.Next.IsZero() {
		l.Warn("run finished")
		return
	}
	l.Warn("run finished", "next", moment(e.Next))
}

// source is the action that printed a line. Handlers that know no better write its name.
type source struct{ poller.Run }

// LogValue implements slog.LogValuer.
func (s source) LogValue() slog.Value { return slog.StringValue(s.Action) }

// moment is a time as people compare it with their watch.
type moment time.Time

// LogValue implements slog.LogValuer.
func (m moment) LogValue() slog.Value {
	return slog.StringValue(time.Time(m).Local().Format(time.RFC3339))
}

// near is the time of day, with the date unless it is within half a day of now.
func (m moment) near(now time.Time) string {
	local := time.Time(m).Local()
	if away := local.Sub(now); away.Abs() < 12*time.Hour {
		return local.Format(time.TimeOnly)
	}
	return local.Format(time.DateTime)
}
