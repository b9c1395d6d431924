package poller

import (
	"context"
	"errors"
	"fmt"

	"github.com/bittrance/kitops/poller/git"
)

// verified finds out who signed the revision, before anything of it is used. What is pinned may be older than what is applied.
func (w *watch) verified(ctx context.Context, run Run, dir string) error {
	w.signer = ""
	if w.task.Verify == nil {
		return nil
	}
	rev, since := run.Revision, run.Previous
	if w.pinned {
		since = ""
	}
	if run.Tag != "" {
		rev = git.Revision{Ref: tagPrefix + run.TagName, SHA: run.Tag}
	}
	if err := w.verify(ctx, run, rev, run.Revision.SHA, since, dir); err != nil {
		return err
	}
	signer, merge := w.signer, run.CheckedOut()
	if merge == run.Revision {
		return nil
	}
	defer func() { w.signer = signer }()
	return w.verify(ctx, run, merge, merge.SHA, "", dir) // which has what the base has, too
}

// verify finds out who signed something that is, or leads to, a commit.
func (w *watch) verify(ctx context.Context, run Run, rev git.Revision, commit, since, dir string) error {
	return w.insist(ctx, run.Revision, dir, func() error {
		ctx, done := w.tellProgress(ctx, run)
		defer done()
		signer, err := w.source(run).Verify(ctx, rev, since)
		for _, key := range signer.Expiring {
			w.noteOnce(run, key)
		}
		w.signer = signer.Name
		if err == nil && signer.Commit != commit {
			err = fmt.Errorf("the signed tag leads to %s, not to %s", signer.Commit, commit)
		}
		return err
	})
}

// refusedBy is what the memory knows of a revision that is not signed by one of the keys that there are now.
func (t Task) refusedBy(keys string) string { return fmt.Sprintf("%s %s", t.Digest, keys) }

// mistakenNow tells whether a run has failed for what only another revision, task or key mends.
func (t Task) mistakenNow(r *Run) bool {
	return r.Mistake != "" && (r.Mistake == t.Digest || t.Keys != nil && r.Mistake == t.refusedBy(t.Keys()))
}

// unsigned notes that a run ended because its revision is not signed as it must be.
func (w *watch) unsigned(run *Run, err error) {
	var unsigned *git.UnsignedError
	if errors.As(err, &unsigned) {
		run.Mistake = w.task.refusedBy(unsigned.Keys)
	}
}

// signerVars are the variables of a task that verifies.
func (w *watch) signerVars() []string {
	if w.task.Verify == nil {
		return nil
	}
	return []string{"KITOPS_SIGNER=" + w.signer}
}
