package wiring

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
)

// leads is where the annotated tags of a repository lead to, which GitHub's list of refs does not
// tell. Its zero value knows nothing.
type leads struct {
	mu    sync.Mutex
	known map[string]string // object → commit, "" for none
}

const fewTags = 100 // that git is asked about by their names

// lead finds the commits of tags. Of those that are new it asks git: the API would take a request for each.
func (l *leads) lead(ctx context.Context, tags []git.Revision, ask func(context.Context, git.Patterns) ([]git.Revision, git.Tags, error)) ([]git.Revision, git.Tags, error) {
	if len(tags) == 0 {
		return nil, nil, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	commits, found, unknown := git.Leading(tags, l.known)
	if len(unknown) == 0 {
		return commits, found, nil
	}
	names := git.Patterns(unknown)
	if len(names) > fewTags {
		names = git.Patterns{"refs/tags/**"}
	}
	revisions, fresh, err := ask(ctx, names)
	if err != nil {
		return nil, nil, fmt.Errorf("ask git what tags lead to: %w", err)
	}
	known := make(map[string]string, len(tags))
	for _, tag := range tags { // the others are gone
		if to, there := l.known[tag.SHA]; there {
			known[tag.SHA] = to
		}
	}
	for object, commit := range fresh.Leads() {
		known[object] = commit
	}
	l.known = known
	commits, found, unknown = git.Leading(tags, known)
	if len(unknown) > 0 {
		return nil, nil, &poller.PassingError{Err: fmt.Errorf("git does not show %s yet as the API does (of %d refs)", unknown[0], len(revisions))}
	}
	return commits, found, nil
}

// tagged has a task know the objects of the tags that its latest look has found.
func tagged(task *poller.Task, heads func(context.Context, git.Patterns) ([]git.Revision, git.Tags, error)) {
	var latest atomic.Pointer[git.Tags]
	task.Heads = func(ctx context.Context, refs git.Patterns) ([]git.Revision, error) {
		found, tags, err := heads(ctx, refs)
		if err == nil {
			latest.Store(&tags)
		}
		return found, err
	}
	task.TagObject = func(rev git.Revision) string {
		if tags := latest.Load(); tags != nil {
			return tags.Of(rev)
		}
		return ""
	}
}

// GitHeads asks git, which is what fetches, where the refs of a task are, with the App's credentials if it has one.
func (w *Wiring) GitHeads(ctx context.Context, t settings.Task) ([]git.Revision, git.Tags, error) {
	refs := WithoutPulls(t.Refs)
	if len(refs) == 0 {
		refs = git.Patterns{"HEAD"}
	}
	if r := w.Repository(t.Name); r != nil {
		return r.gitHeads(ctx, refs)
	}
	return w.mirrors.get(t, nil).HeadsAndTags(ctx, refs)
}
