package github

import (
	"context"
	"errors"
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
	words := "The log was removed by " + code(by) + "."
	var errs []error
	for _, one := range all {
		if id, _, _ := strings.Cut(one.ExternalID, "/"); id == run && one.Status == completed {
			errs = append(errs, to.RewordCheck(ctx, one.ID, app.CheckOutput{Title: one.Output.Title, Summary: words, Text: words}))
		}
	}
	return errors.Join(errs...)
}
