package poller

import (
	"slices"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// Nudge makes the tasks on a repository look now. It is a hint: nothing of it
// is trusted, it never blocks, and many nudges cause few looks. An empty ref
// means any. While a look does not show the SHA at the ref yet, because the
// API lags behind the webhook, the task looks again after 1, 2 and 4 seconds.
func (p *Poller) Nudge(url, ref, sha string) {
	if sha == noSHA { // how a webhook says that the branch was deleted
		sha = ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.watches {
		task := w.current()
		if !sameRepository(task.URL, url) || ref != "" && !matches(task.Refs, ref) && !slices.Contains(task.Refs, "HEAD") {
			continue
		}
		w.hint = git.Revision{Ref: ref, SHA: sha}
		w.poke()
	}
}

// takeHint returns the revision to expect, of the last nudge or of one that
// is still being chased.
func (w *watch) takeHint() *git.Revision {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	if w.hint != (git.Revision{}) {
		hint := w.hint
		w.hint, w.chases = git.Revision{}, 0
		return &hint
	}
	if w.chased != (git.Revision{}) {
		hint := w.chased
		return &hint
	}
	return nil
}

// chase plans the next look for a revision that a nudge promised.
func (w *watch) chase(hint *git.Revision) {
	const tries = 3
	if hint == nil || w.chased == (git.Revision{}) {
		return
	}
	if w.chases == tries {
		w.chased, w.chases = git.Revision{}, 0
		return
	}
	if soon := time.Now().Add(time.Second << w.chases); soon.Before(w.due) {
		w.due = soon
	}
	w.chases++
}

// sameRepository compares addresses as people mean them: https or ssh, with
// or without .git, in any case.
func sameRepository(a, b string) bool { return repositoryKey(a) == repositoryKey(b) }

func repositoryKey(url string) string {
	_, rest, found := strings.Cut(url, "://")
	if !found {
		rest = url
		if host, path, scp := strings.Cut(url, ":"); scp && !strings.Contains(host, "/") {
			rest = host + "/" + path
		}
	}
	host, path, _ := strings.Cut(rest, "/")
	host = host[strings.LastIndex(host, "@")+1:]
	if name, _, port := strings.Cut(host, ":"); port && strings.HasPrefix(url, "ssh://") {
		host = name
	}
	path = strings.TrimSuffix(strings.Trim(path, "/"), ".git")
	return strings.ToLower(host + "/" + path)
}
