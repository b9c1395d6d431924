package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bittrance/kitops/app/apptest"
)

// greets is what kitops runs on the hosted repository.
const greets = `grep Hello index.html`

// hosted is the second act: a private repository on GitHub that kitops reads
// as a GitHub App. GitHub is a stand-in on this machine.
type hosted struct {
	*story
	github *apptest.GitHub
	shop   *apptest.Repository
	app    *apptest.App
}

// newHosted builds GitHub in a folder of its own below dir.
func newHosted(s screen, dir string) (*hosted, error) {
	h := &hosted{story: &story{screen: s, dir: filepath.Join(dir, "hosted")}}
	kept := filepath.Join(h.dir, "github")
	if err := os.MkdirAll(kept, 0o700); err != nil {
		return nil, err
	}
	var err error
	if h.github, err = apptest.Start(apptest.Options{Dir: kept, SecondaryLimits: true, Unchecked: true}); err != nil {
		return nil, err
	}
	h.github.AddOrg("acme")
	h.shop = h.github.AddRepository("acme", "shop", apptest.RepositoryOptions{Private: true})
	h.app = h.github.RegisterApp("acme", "kitops of acme", apptest.AppOptions{
		Permissions: apptest.Permissions{"contents": "read", "statuses": "write"},
	})
	h.app.Install("acme", nil)
	if err := os.WriteFile(filepath.Join(h.dir, "app.pem"), h.app.PrivateKey(), 0o600); err != nil {
		return nil, errors.Join(err, h.github.Close())
	}
	return h, nil
}

func (h *hosted) play(ctx context.Context, binary string) error {
	h.title("A private repository on GitHub, and a GitHub App that may read it and post commit statuses")
	h.say("", "GitHub is a stand-in here, at %s; the repository is acme/shop.", h.github.URL)
	first := h.push("say hello", "Hello!")
	args := []string{
		"--url", h.shop.CloneURL(), "--branch", "main", "--action", greets, "--interval", interval,
		"--github-app-id", h.app.ClientID, "--github-private-key-file", "app.pem", "--github-api-url", h.github.APIURL,
	}
	h.say("you", "kitops --url %s --branch main --action %q --interval %s", h.shop.CloneURL(), greets, interval)
	h.say("", "       %s", strings.Join(args[8:], " "))
	var err error
	h.kitops, err = start(ctx, h.screen, binary, h.dir, append(args, "--repo-dir", "repos")...)
	if err != nil {
		return err
	}
	defer h.kitops.stop()
	first.pushed = time.Time{} // kitops was not there yet
	if err := h.told(ctx, first, "success"); err != nil {
		return err
	}
	for _, c := range []struct{ title, message, page, outcome string }{
		{"A commit that fails: whoever pushed it sees it on GitHub", "rewrite the page", "Helo!", "failure"},
		{"Its fix", "fix the page", "Hello again!", "success"},
	} {
		h.title(c.title)
		if err := h.told(ctx, h.push(c.message, c.page), c.outcome); err != nil {
			return err
		}
	}
	return h.bill(ctx)
}

// push commits the page on GitHub.
func (h *hosted) push(message, page string) push {
	sha := h.shop.Push("main", map[string]string{"index.html": page + "\n"})
	h.say("you", "push %s %q to main", sha[:7], message)
	return push{branch: "main", sha: sha, pushed: time.Now()}
}

// told follows the run of a push until GitHub has heard its outcome.
func (h *hosted) told(ctx context.Context, p push, outcome string) error {
	if err := h.follow(ctx, "shop", p, outcome); err != nil {
		return err
	}
	if err := h.await(ctx, "GitHub to hear of it", func() bool {
		all := h.shop.Statuses(p.sha)
		return len(all) > 0 && all[len(all)-1].State == outcome
	}); err != nil {
		return err
	}
	h.say("github", "has on %s, %s:", p.sha[:7], "posted by "+h.shop.Statuses(p.sha)[0].Creator)
	for _, status := range h.shop.Statuses(p.sha) {
		h.quote(fmt.Sprintf("%-8s %s: %s", status.State, status.Context, status.Description))
	}
	return nil
}

// await waits for something at GitHub.
func (h *hosted) await(ctx context.Context, what string, cond func() bool) error {
	const patience = 20 * time.Second
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := h.github.Await(limited, cond); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("expected %s within %s; kitops said last: %s", what, patience, h.kitops.last)
	}
	return nil
}

// bill waits for some idle looks and tells what all that has cost.
func (h *hosted) bill(ctx context.Context) error {
	h.title("What it costs: a look at a branch that stands still is free of GitHub's hourly limit")
	idle := apptest.Filter{Kind: apptest.REST, Status: http.StatusNotModified}
	before := h.github.Count(idle)
	if err := h.await(ctx, "idle looks", func() bool { return h.github.Count(idle) >= before+5 }); err != nil {
		return err
	}
	if code := h.kitops.stop(); code != 0 {
		return fmt.Errorf("expected kitops to end with exit code 0, it was %d", code)
	}
	git := apptest.Filter{Kind: apptest.Git, Method: http.MethodPost}
	tokens := apptest.Filter{Method: http.MethodPost, Path: "/app/installations/*/access_tokens"}
	h.say("github", "counted %d looks answered with 304, %d fetches by git and %d token for all of it",
		h.github.Count(idle), h.github.Count(git), h.github.Count(tokens))
	h.say("", "From push to run: %s, with --interval %s.", strings.Join(h.waits, ", "), interval)
	return nil
}
