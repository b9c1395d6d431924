package wiring

import (
	"context"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/status/metrics"
)

// signed has a task that says so verify its revisions.
func (w *Wiring) signed(task *poller.Task, t settings.Task, mirror *git.Mirror, r *Repository, o git.Options) {
	if t.Verify == nil {
		return
	}
	keys := w.keys(t)
	task.Verify, task.Keys = w.verify(mirror, r, o, keys, t.Verify.Forward), keys.Digest
}

// keys are whose signatures count for a task.
func (w *Wiring) keys(t settings.Task) git.KeyFiles {
	keys := t.Verify.KeyFiles
	if t.Verify.Web {
		url := t.URL
		if t.Repos != nil { // all are at the App's GitHub
			web, _ := app.WebURL(w.apps.apiURL)
			url, _ = git.ParseURL(web + "/any")
		}
		keys.WebFlow = w.mirrors.webFlow(git.WebFlowURL(url))
	}
	return keys
}

// Signers are whose signatures count for a task that verifies, and what is to be said of keys that expire soon, or have.
func (w *Wiring) Signers(ctx context.Context, t settings.Task) (names, expiring []string, err error) {
	return w.keys(t).Signers(ctx)
}

// endsAnew is how old what is told of the ends of keys may be.
const endsAnew = time.Minute

// keyEnds are when keys of files end, as they were read then.
type keyEnds struct {
	read time.Time
	ends []metrics.KeyEnd
}

// keyEnds are when the keys of a task end, as far as they do.
func (w *Wiring) keyEnds(task string) []metrics.KeyEnd {
	w.mu.Lock()
	files, verifies := w.verifies[task]
	known := w.ends[files]
	w.mu.Unlock()
	if !verifies || !known.read.IsZero() && time.Since(known.read) < endsAnew {
		return known.ends
	}
	known = keyEnds{read: time.Now()} // of files that do not read nothing is told: runs have the error
	all, _ := files.Ends()
	for _, end := range all {
		known.ends = append(known.ends, metrics.KeyEnd{Signer: end.Name, Key: end.Key, At: end.At})
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends[files] = known
	return known.ends
}

// verify is the poller's Verify of a task whose checkouts have the options.
func (w *Wiring) verify(mirror *git.Mirror, r *Repository, o git.Options, keys git.KeyFiles, forward bool) func(context.Context, git.Revision, string) (git.Signer, error) {
	return func(ctx context.Context, rev git.Revision, since string) (signer git.Signer, err error) {
		if !forward {
			since = ""
		}
		err = r.byGit(ctx, func() error {
			signer, err = mirror.Verify(ctx, rev, since, keys, o)
			return err
		})
		return signer, err
	}
}

// SignerOf tells who signed the commit of a task's repository, or the tag, as the task would find out. GitHub's own signatures
// count in the place of all others where that is asked for.
func (w *Wiring) SignerOf(ctx context.Context, t settings.Task, rev git.Revision, github bool) (signer git.Signer, err error) {
	if github {
		t.Verify = &settings.Verify{Web: true}
	}
	r := w.Repository(t.Name)
	mirror, keys := w.mirrors.get(t, r), w.keys(t)
	err = r.byGit(ctx, func() error {
		signer, err = mirror.SignerOf(ctx, rev, keys)
		return err
	})
	return signer, err
}
