package github_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/status/github"
)

// wire answers like GitHub, within the bubble of a synctest: at 80 posts a
// minute the limit takes a while.
type wire struct {
	failing int            // posts that are still to fail
	posts   map[string]int // by path, those that were taken
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	code, body := http.StatusNotFound, `{"message":"Not Found"}`
	switch {
	case strings.HasSuffix(r.URL.Path, "/installation"):
		code, body = http.StatusOK, `{"id":1,"account":{"login":"acme"},"permissions":{"contents":"read","metadata":"read","statuses":"write"}}`
	case strings.HasSuffix(r.URL.Path, "/access_tokens"):
		code, body = http.StatusCreated, newToken()
	case strings.Contains(r.URL.Path, "/statuses/") && w.failing > 0:
		w.failing--
		code = http.StatusBadGateway
	case strings.Contains(r.URL.Path, "/statuses/"):
		w.posts[r.URL.Path]++
		code, body = http.StatusCreated, `{"id":1}`
	}
	return answer(r, code, body), nil
}

func TestPostsEndBeforeGitHubsLimit(t *testing.T) {
	key := newKey(t)
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, nil))
		w := &wire{failing: 3, posts: map[string]int{}}
		a, err := app.New(app.Options{ID: "1", Key: key, Statuses: true, Transport: w, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		reporter := github.Reporter{Log: log, Find: func(poller.Report) *app.Repository { return a.Repository("acme", "shop") }}
		post := func(sha string) error {
			return reporter.Report(t.Context(), poller.Report{
				Run: poller.Run{Task: "shop", Revision: git.Revision{SHA: sha}, Outcome: poller.Success},
				URL: "https://github.com/acme/shop", To: "kitops/shop",
			})
		}
		one, two := strings.Repeat("1", 40), strings.Repeat("2", 40)
		failed := 0
		for range 910 {
			if post(one) != nil {
				failed++ // GitHub does not keep it: it does not count
				time.Sleep(time.Minute)
			}
		}
		if err := post(two); err != nil {
			t.Error(err)
		}
		path := "/repos/acme/shop/statuses/"
		if failed != 3 || w.posts[path+one] != 900 || w.posts[path+two] != 1 {
			t.Errorf("%d failed, posted %v\n%s", failed, w.posts, out.String())
		}
		if n := strings.Count(out.String(), "no more commit statuses for this commit"); n != 1 {
			t.Errorf("said %d times\n%s", n, out.String())
		}
	})
}
