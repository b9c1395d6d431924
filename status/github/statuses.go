package github

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status"
)

const (
	// maxPosts leaves room below the 1,000 statuses that GitHub keeps for a SHA and context.
	maxPosts = 900
	// maxCounted bounds the memory of the counts.
	maxCounted = 10_000
)

// reportStatus tells by a commit status.
func (g *Reporter) reportStatus(ctx context.Context, r poller.Report, repository *app.Repository, log *slog.Logger) error {
	switch g.count(strings.ToLower(r.URL) + " " + r.Run.Revision.SHA + " " + r.To) {
	case maxPosts:
		log.Warn("no more commit statuses for this commit: GitHub keeps 1,000 for a commit and context", "posted", maxPosts)
		return nil
	case maxPosts + 1:
		return nil
	}
	post := app.Status{
		State: string(r.Run.Outcome), Context: r.To, Description: status.Describe(r.Run), TargetURL: g.Target(r.Run),
		Since: r.Run.Started,
	}
	var has bool
	var err error
	var refused *app.RefusedError
	if r.Doubtful {
		g.lookAround(ctx, r, repository, log)
		has, err = repository.HasStatus(ctx, r.Run.Revision.SHA, post)
		if errors.As(err, &refused) { // to post it twice is better than not at all
			err = nil
		}
	}
	if err == nil && !has {
		err = repository.PostStatus(ctx, r.Run.Revision.SHA, post)
	}
	if err = g.done(false, err, log); err != nil {
		g.uncount(strings.ToLower(r.URL) + " " + r.Run.Revision.SHA + " " + r.To)
	}
	return err
}

// count notes a post and returns how many there were before it, up to one
// more than may be.
func (g *Reporter) count(key string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.posts == nil || len(g.posts) > maxCounted {
		g.posts = map[string]int{}
	}
	n := g.posts[key]
	g.posts[key] = min(n+1, maxPosts+1)
	return n
}

func (g *Reporter) uncount(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.posts[key]--
}
