package wiring

import (
	"context"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
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

// verify is the poller's Verify of a task whose checkouts have the options.
func (w *Wiring) verify(mirror *git.Mirror, r *Repository, o git.Options, keys git.KeyFiles, forward bool) func(context.Context, git.Revision, string) (git.Signer, error) {
	return func(ctx context.Context, rev git.Revision, since string) (signer git.Signer, err error) {
		if !forward {
			since = ""
		}
		ask := func() error {
			signer, err = mirror.Verify(ctx, rev, since, keys, o)
			return err
		}
		if r != nil {
			err = r.byGit(ctx, ask)
		} else {
			err = ask()
		}
		return signer, err
	}
}
