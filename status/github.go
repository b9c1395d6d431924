package status

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
)

const (
	// maxDescription is what GitHub takes, in characters; more is a 422.
	// https://docs.github.com/rest/commits/statuses#create-a-commit-status
	maxDescription = 140
	// maxPosts leaves room below the 1,000 statuses that GitHub keeps for a SHA and context.
	maxPosts = 900
	// maxCounted bounds the memory of the counts.
	maxCounted = 10_000
)

// GitHub reports runs as commit statuses.
type GitHub struct {
	// Find returns the repository that a report is for, nil when there is no App for it any more.
	Find func(poller.Report) *app.Repository
	// TargetURL is what statuses link to, with {task}, {sha} and {run}; may be empty.
	TargetURL string
	Log       *slog.Logger

	mu    sync.Mutex
	posts map[string]int // by repository, SHA and context
}

// Report is the poller.Reporter. It is safe for concurrent use.
func (g *GitHub) Report(ctx context.Context, r poller.Report) error {
	log := g.Log.With("task", r.Run.Task, "sha", r.Run.Revision.SHA, "run", r.Run.ID)
	repository := g.Find(r)
	if repository == nil {
		log.Warn("no commit status: there is no GitHub App for this repository any more")
		return nil
	}
	switch g.count(strings.ToLower(r.URL) + " " + r.Run.Revision.SHA + " " + r.To) {
	case maxPosts:
		log.Warn("no more commit statuses for this commit: GitHub keeps 1,000 for a commit and context", "posted", maxPosts)
		return nil
	case maxPosts + 1:
		return nil
	}
	err := repository.PostStatus(ctx, r.Run.Revision.SHA, app.Status{
		State: string(r.Run.Outcome), Context: r.To, Description: Describe(r.Run), TargetURL: g.target(r.Run),
		Since: r.Run.Started,
	})
	var refused *app.RefusedError
	var uncovered *app.NotCoveredError
	var ungranted *app.PermissionError
	switch {
	case errors.As(err, &ungranted), errors.As(err, &uncovered) && uncovered.Public:
		return nil // a warning has said that there are no statuses
	case errors.As(err, &refused):
		log.Warn("GitHub refused the commit status", "err", err)
		return nil
	case err != nil:
		g.uncount(strings.ToLower(r.URL) + " " + r.Run.Revision.SHA + " " + r.To)
		return err
	}
	return nil
}

// count notes a post and returns how many there were before it, up to one
// more than may be.
func (g *GitHub) count(key string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.posts == nil || len(g.posts) > maxCounted {
		g.posts = map[string]int{}
	}
	n := g.posts[key]
	g.posts[key] = min(n+1, maxPosts+1)
	return n
}

func (g *GitHub) uncount(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.posts[key]--
}

func (g *GitHub) target(r poller.Run) string {
	return strings.NewReplacer("{task}", escaped(r.Task), "{sha}", r.Revision.SHA, "{run}", escaped(r.ID)).Replace(g.TargetURL)
}

// escaped is right in a path and in a query.
func escaped(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// Describe says in at most 140 characters how a run stands. It never holds
// output of actions, nor tokens.
func Describe(r poller.Run) string {
	if r.Outcome == poller.Pending {
		if r.Action != "" {
			return cut(fmt.Sprintf("running %s (%s)", r.Task, r.Action))
		}
		return cut("running " + r.Task)
	}
	took := r.Duration()
	switch {
	case took > 10*time.Second:
		took = took.Round(time.Second)
	case took > time.Second:
		took = took.Round(100 * time.Millisecond)
	default:
		took = took.Round(time.Millisecond)
	}
	what := r.Task + ": "
	if r.Action != "" {
		what += r.Action + " "
	}
	reason := strings.ReplaceAll(r.Reason, "\n", "; ")
	switch r.Outcome {
	case poller.Success:
		if reason != "" {
			return cut(what + reason)
		}
		return cut(fmt.Sprintf("%ssucceeded in %s", what, took))
	case poller.Failure:
		for word, ours := range map[string]string{"exit status ": "exit code ", "signal: ": "signal "} {
			if rest, found := strings.CutPrefix(reason, word); found {
				return cut(fmt.Sprintf("%sfailed with %s%s after %s", what, ours, rest, took))
			}
		}
		return cut(what + reason) // out of time, which names the time
	default:
		return cut(what + reason)
	}
}

// cut shortens a text to what GitHub takes, at a character.
func cut(text string) string {
	text = app.Redact(Printable(text))
	if utf8.RuneCountInString(text) <= maxDescription {
		return text
	}
	return string([]rune(text)[:maxDescription-1]) + "…"
}
