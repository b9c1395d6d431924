package poller

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

const (
	pullPrefix = "refs/pull/"
	mergeFirst = 2      // seconds until what GitHub has not ready yet is asked for again, doubled
	mergeLast  = 2 * 60 // seconds after which that is an error
)

// Pull is the pull request that a run is of.
type Pull struct {
	Number         int    `yaml:"number"`
	Base           string `yaml:"base"` // the branch that it is for, in short
	Head           string `yaml:"head"`
	HeadRepository string `yaml:"head_repository,omitempty"` // owner/name
	Merge          string `yaml:"merge,omitempty"`           // what is checked out instead of the head
	BaseSHA        string `yaml:"base_sha,omitempty"`        // where the head has left the base branch; "": that is not known

	Payload map[string]any `json:"-" yaml:"-"` // what the host says of it, until actions were told
}

// ConflictError says that a pull request cannot be merged. It is a failure of the revision.
type ConflictError struct{ Base string }

func (e *ConflictError) Error() string { return "conflicts with " + e.Base }

// IsPull tells whether a ref is a pull request's.
func IsPull(ref string) bool { return strings.HasPrefix(ref, pullPrefix) }

// askPull asks for the pull request of a run once more, and waits for what GitHub has not ready yet:
// what a list of pull requests says may be old.
func (w *watch) askPull(ctx context.Context, run *Run) error {
	if w.task.PullOf == nil || !IsPull(run.Revision.Ref) || w.pinned && !run.Foreign {
		return nil
	}
	waited := time.Duration(0)
	for wait := w.p.seconds(mergeFirst); ; wait *= 2 {
		pull, err := w.task.PullOf(ctx, run.Revision)
		switch {
		case err == nil:
			run.Pull = &pull
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, git.ErrMoved):
			w.moved = true
			return err
		case w.outlasts(err):
			if err := w.waitToFetch(ctx, run.Revision, restOf(err), err); err != nil {
				return err
			}
			wait = w.p.seconds(mergeFirst) / 2
			continue
		case !passing(err) || waited >= w.p.seconds(mergeLast) || w.once && wait > w.p.seconds(onceArrival):
			return err
		}
		waited += wait
		if err := w.waitToFetch(ctx, run.Revision, wait, err); err != nil {
			return err
		}
	}
}

// askBase finds out where the head of a pull request has left the base branch. That it is not known is no error.
func (w *watch) askBase(ctx context.Context, run *Run, dir string) error {
	ask := w.source(*run).MergeBase
	if run.Pull == nil || ask == nil {
		return nil
	}
	return w.insist(ctx, run.Revision, dir, func() error {
		ctx, done := w.tellProgress(ctx, *run)
		defer done()
		base, err := ask(ctx, run.Revision, "refs/heads/"+run.Pull.Base)
		var doubt *git.DoubtError
		if errors.As(err, &doubt) {
			w.tell(Event{Kind: Noticed, Run: *run, Reason: "KITOPS_BASE_SHA is empty: " + doubt.Reason})
			return nil
		}
		run.Pull.BaseSHA = base
		return err
	})
}

// CheckedOut is the revision that a run has in its workdir.
func (r Run) CheckedOut() git.Revision {
	if r.Pull != nil && r.Pull.Merge != "" {
		return git.Revision{Ref: fmt.Sprintf("%s%d/merge", pullPrefix, r.Pull.Number), SHA: r.Pull.Merge}
	}
	return r.Revision
}

// pullVars are the variables of a run on a pull request.
func (r Run) pullVars() []string {
	p := r.Pull
	if p == nil {
		return nil
	}
	return []string{
		"KITOPS_PULL_REQUEST=" + strconv.Itoa(p.Number),
		"KITOPS_BASE_REF=" + p.Base,
		"KITOPS_BASE_SHA=" + p.BaseSHA,
		"KITOPS_HEAD_SHA=" + p.Head,
		"KITOPS_HEAD_REPOSITORY=" + p.HeadRepository,
	}
}

// failed tells whether an error is a failure of the revision, rather than one of kitops.
func failed(run Run, err error) bool {
	var exit *exec.ExitError
	var timeout timeoutError
	var size sizeError
	var conflict *ConflictError
	return run.Action != "" && (errors.As(err, &exit) || errors.As(err, &timeout) || errors.As(err, &size)) || errors.As(err, &conflict)
}
