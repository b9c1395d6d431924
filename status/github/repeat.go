package github

import (
	"context"
	"errors"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
)

// composed is the check run of a report: of what is told anew as it was before, with its log and its annotations, which nobody
// but GitHub may have any more. It has no name where there is nothing to tell.
func (g *Reporter) composed(ctx context.Context, r poller.Report, to *app.Repository) (app.CheckRun, error) {
	if n := parseNote(r.Of); n.id != 0 {
		before, err := to.Check(ctx, n.id, r.Run.Started)
		var annotations []app.Annotation
		if err == nil {
			annotations, err = to.Annotations(ctx, n.id, r.Run.Started)
		}
		var refused *app.RefusedError
		switch {
		case err == nil && before.Conclusion != "":
			return repeated(r, before, annotations), nil
		case err != nil && !errors.As(err, &refused):
			return app.CheckRun{}, err
		}
	}
	if r.Run.Outcome == "" { // nothing else is known of it
		return app.CheckRun{}, nil
	}
	return g.compose(ctx, r, to), nil
}

// repeated is a check run that says what another one said, after a remark.
func repeated(r poller.Report, before app.KnownCheck, annotations []app.Annotation) app.CheckRun {
	out := app.CheckOutput{Title: before.Output.Title, Summary: remarked(r.Remark, before.Output.Summary), Text: before.Output.Text, Annotations: annotations}
	for i := range annotations {
		annotations[i], _ = clamp(annotations[i])
	}
	return app.CheckRun{
		Name: r.To, SHA: before.SHA, ExternalID: externalID(r), DetailsURL: before.DetailsURL, Status: completed, Conclusion: before.Conclusion,
		StartedAt: before.StartedAt, CompletedAt: before.CompletedAt, Since: r.Run.Started, Output: out, Actions: []app.Button{},
	}
}

// remarked is a summary after a remark.
func remarked(remark, summary string) string {
	if remark == "" {
		return summary
	}
	return cutBytes(code(remark)+"\n\n"+summary, maxSummary)
}

// NoteOf is the note of a check run that GitHub has, for a report that tells it anew.
func NoteOf(c app.KnownCheck) string {
	return note{sha: c.SHA, check: true, key: "unknown", id: c.ID, state: c.Conclusion, sent: c.Output.Count}.String()
}
