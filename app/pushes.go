package app

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// selfKnown is for how long the name of an App is believed, which its owner may change.
const selfKnown = time.Hour

// knownSelf is what GitHub has said of the App, of which nothing but its name and ID is needed.
type knownSelf struct {
	mu sync.Mutex
	self
	until time.Time
}

// known is self as it was within the hour.
func (a *App) known(ctx context.Context) (self, error) {
	a.me.mu.Lock()
	defer a.me.mu.Unlock()
	if time.Now().Before(a.me.until) {
		return a.me.self, nil
	}
	s, err := a.self(ctx)
	if err == nil {
		a.me.self, a.me.until = s, time.Now().Add(selfKnown)
	}
	return s, err
}

// Bot is the login of the account that the App acts as: NAME[bot].
func (a *App) Bot(ctx context.Context) (string, error) {
	own, err := a.known(ctx)
	if err != nil {
		return "", err
	}
	if own.Slug == "" {
		return "", &DownError{fmt.Errorf("it does not tell what the App is called")}
	}
	return own.Slug + "[bot]", nil
}

// PushedByApp tells whether this App, with a token that an action was lent for example, was the last to bring a ref to a
// commit. Of a ref whose pushes GitHub does not tell (any more) it knows from the commit, which must be the App's as
// author and committer. https://docs.github.com/rest/repos/repos#list-repository-activities
func (r *Repository) PushedByApp(ctx context.Context, ref, sha string) (bool, error) {
	bot, err := r.app.Bot(ctx)
	if err != nil {
		return false, err
	}
	query := url.Values{"per_page": {"100"}}
	branch := strings.HasPrefix(ref, "refs/heads/")
	if branch {
		query.Set("ref", ref)
	}
	asked := time.Now()
	for try := 0; ; try++ {
		a, err := r.do(ctx, call{method: http.MethodGet, path: r.path(false) + "/activity?" + query.Encode(), class: ordinary})
		if status, _ := answered(err); status == http.StatusNotFound { // of an older Enterprise Server
			break
		}
		if err != nil {
			return false, err
		}
		var pushes []push
		if err := a.decode(&pushes); err != nil {
			return false, err
		}
		for _, one := range pushes { // the newest come first
			if one.After == sha {
				return one.Actor != nil && is(*one.Actor, bot), nil
			}
		}
		// The branch is at a commit that its pushes do not lead to: the last one is not in the list yet.
		if behind := branch && len(pushes) > 0; !behind || !r.app.lag.again(ctx, asked, try) {
			break
		}
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if !branch { // the commit of a tag is anybody's
		return false, nil
	}
	return r.madeBy(ctx, sha, bot)
}

type push struct {
	After string
	Actor *Account
}

func is(who Account, bot string) bool { return who.Type == "Bot" && strings.EqualFold(who.Login, bot) }

// madeBy tells whether a commit is an account's, as author and as committer.
func (r *Repository) madeBy(ctx context.Context, sha, bot string) (bool, error) {
	a, err := r.do(ctx, call{method: http.MethodGet, path: r.path(false) + "/commits/" + sha, class: ordinary})
	if err != nil {
		return false, err
	}
	var commit struct {
		SHA               string
		Author, Committer *Account
	}
	if err := a.decode(&commit); err != nil {
		return false, err
	}
	if commit.SHA != sha {
		return false, &DownError{fmt.Errorf("its answer for %s is %s", sha, cmp.Or(commit.SHA, "no commit"))}
	}
	return commit.Author != nil && commit.Committer != nil && is(*commit.Author, bot) && is(*commit.Committer, bot), nil
}
