package github

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/bittrance/kitops/app"
)

// Withdraw takes back what the check runs of a run say of it: how it ended stays, and who did it takes the place of the rest.
// Annotations stay, which GitHub lets nobody remove. After an error it may be called again.
func (g *Reporter) Withdraw(ctx context.Context, to *app.Repository, sha, name, run, by string) error {
	g.records().forget(run)
	all, err := to.OwnChecks(ctx, sha, name, time.Time{})
	if err != nil {
		return err
	}
	var its, copies []app.KnownCheck
	for _, one := range all {
		if id, _, _ := strings.Cut(one.ExternalID, "/"); id == run && one.Status == completed {
			its = append(its, one)
		}
	}
	for _, one := range all {
		if slices.ContainsFunc(its, func(of app.KnownCheck) bool { return repeats(one, of) }) {
			copies = append(copies, one)
		}
	}
	words := "The log was removed by " + code(by) + "."
	for _, list := range [][]app.KnownCheck{copies, its} { // by whose text copies are found again
		var errs []error
		for _, one := range list {
			errs = append(errs, to.RewordCheck(ctx, one.ID, app.CheckOutput{Title: one.Output.Title, Summary: words, Text: words}))
		}
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	return nil
}

// repeats tells whether a check run is another one that was told anew, under the name of another run.
func repeats(one, of app.KnownCheck) bool {
	same := func(a, b *time.Time) bool { return a != nil && b != nil && a.Equal(*b) }
	return one.ID != of.ID && of.Output.Text != "" && one.Output.Text == of.Output.Text && same(one.StartedAt, of.StartedAt) && same(one.CompletedAt, of.CompletedAt)
}
