package git

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// keepingBlobs is a server that leaves out blobs when it is asked to and, from when keeps is set, does not hand them out.
func keepingBlobs(t *testing.T, r *gittest.Repo) (m *Mirror, keeps *atomic.Bool, refused *atomic.Int32) {
	t.Helper()
	r.Bare("config", "uploadpack.allowFilter", "true")
	backend := gittest.HTTPHandler(t, filepath.Dir(r.Dir), gittest.HTTPOptions{})
	keeps, refused = &atomic.Bool{}, &atomic.Int32{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(req.Body)
		if strings.Count(body.String(), "want ") > 1 && keeps.Load() {
			refused.Add(1)
			w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
			const said = "ERR upload-pack: not our ref"
			_, _ = fmt.Fprintf(w, "%04x%s", len(said)+4, said)
			return
		}
		req = req.Clone(req.Context())
		req.Body, req.ContentLength = readCloser{&body}, int64(body.Len())
		backend.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	return mirrorOf(t, server.URL+"/repo.git"), keeps, refused
}

// TestServerThatKeepsBlobs has a server that leaves blobs out and does not hand them out: all of the revision comes then, and
// from then on.
func TestServerThatKeepsBlobs(t *testing.T) {
	r := gittest.New(t)
	sha := r.Commit(large(4))
	m, keeps, refused := keepingBlobs(t, r)
	keeps.Store(true)
	var log bytes.Buffer
	m.Log = slog.New(slog.NewTextHandler(&log, nil))
	for range 2 {
		o := Options{Sparse: list(t, "api")}
		want, _ := gittest.Sparse(t, r, sha, true, o.Sparse.Entries())
		gittest.MustHave(t, sha, withoutGit(t, mustSparse(t, m, sha, o)), want)
		sha = r.Commit(map[string]string{"api/small": "2", "api/new": "3", "api/newer": "4"})
	}
	if refused.Load() != 1 || strings.Count(log.String(), "does not hand them out") != 1 || strings.Count(log.String(), "WARN") != 1 {
		t.Errorf("refused %d times, logged %s", refused.Load(), log.String())
	}
}

// TestServerBeginsToKeepBlobs has it do so when there are mirrors of several histories in which blobs are missing: each of
// them is fetched anew.
func TestServerBeginsToKeepBlobs(t *testing.T) {
	r := gittest.New(t)
	r.Commit(large(4))
	files := large(5)
	sha := r.Commit(files)
	m, keeps, _ := keepingBlobs(t, r)
	histories := []Options{{}, {DotGit: true, History: 2}, {DotGit: true, History: 3}}
	check := func(entry string) {
		t.Helper()
		for _, o := range histories {
			o.Sparse = list(t, entry)
			want, _ := gittest.Sparse(t, r, sha, true, o.Sparse.Entries())
			gittest.MustHave(t, fmt.Sprint(entry, o.History), withoutGit(t, mustSparse(t, m, sha, o)), want)
		}
	}
	check("api")
	keeps.Store(true)
	mustSparse(t, m, sha, Options{Sparse: list(t, "other/d1")})
	for name := range files { // comes as what it has more than the blob before, which is not there
		files[name] += "more"
	}
	sha = r.Commit(files)
	check("other")
	check("api")
}

// TestBlobsThatAreGone asks for those of a revision that the server has forgotten meanwhile. That is no reason to fetch all of
// others from then on.
func TestBlobsThatAreGone(t *testing.T) {
	r := gittest.New(t)
	base := r.Commit(map[string]string{"top": "0"})
	first := r.Commit(large(4))
	m, c := filtering(t, r)
	var log bytes.Buffer
	m.Log = slog.New(slog.NewTextHandler(&log, nil))
	o := Options{Sparse: list(t, "api")}
	mustSparse(t, m, first, o)
	r.Git("reset", "-q", "--hard", base)
	second := r.Commit(large(5))
	r.Bare("reflog", "expire", "--expire=now", "--all")
	r.Bare("gc", "-q", "--prune=now")
	err := m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: first}, filepath.Join(t.TempDir(), "w"), Options{Sparse: list(t, "other/d1")})
	if !errors.Is(err, ErrMoved) {
		t.Fatalf("got %v", err)
	}
	c.forget()
	want, _ := gittest.Sparse(t, r, second, true, o.Sparse.Entries())
	gittest.MustHave(t, second, withoutGit(t, mustSparse(t, m, second, o)), want)
	if !strings.Contains(fmt.Sprint(c.requests), "true") || strings.Contains(log.String(), "does not hand them out") {
		t.Errorf("asked %v, logged %s", c.requests, log.String())
	}
}

// TestServerBeginsToSendAll has a server give up to leave out blobs: what it sends must not lean on those that are missing.
func TestServerBeginsToSendAll(t *testing.T) {
	for name, reach := range map[string]func(*testing.T, *gittest.Repo) *Mirror{"http": overHTTP, "ssh": overSSH, "version 0": inVersion0} {
		r := gittest.New(t)
		r.Bare("config", "uploadpack.allowFilter", "true")
		r.Bare("config", "uploadpack.allowAnySHA1InWant", "true")
		files := large(5)
		r.Commit(files)
		files["api/small"] = "2"
		sha := r.Commit(files)
		m := reach(t, r)
		histories := []Options{{}, {DotGit: true, History: 2}, {DotGit: true, History: FullHistory}}
		for _, o := range histories {
			o.Sparse = list(t, "api")
			mustSparse(t, m, sha, o)
		}
		r.Bare("config", "uploadpack.allowFilter", "false")
		r.Bare("config", "uploadpack.allowAnySHA1InWant", "false")
		again := reach(t, r) // knows nothing of how it was
		again.Dir = m.Dir
		for i := range 2 {
			for name := range files { // comes as what it has more than the blob before, which is not there
				files[name] += fmt.Sprint(i)
			}
			sha = r.Commit(files)
			for _, o := range histories {
				o.Sparse = list(t, "other")
				want, theirs := gittest.Sparse(t, r, sha, true, o.Sparse.Entries())
				dir := mustSparse(t, again, sha, o)
				gittest.MustHave(t, fmt.Sprint(name, i, o.History), withoutGit(t, dir), want)
				if o.DotGit {
					sameToGit(t, dir, theirs)
				}
			}
		}
	}
}

// inVersion0 is a server of the first protocol, as those by ssh are that know nothing of others.
func inVersion0(t *testing.T, r *gittest.Repo) *Mirror {
	t.Helper()
	backend := gittest.HTTPHandler(t, filepath.Dir(r.Dir), gittest.HTTPOptions{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		req.Header.Del("Git-Protocol")
		backend.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	return mirrorOf(t, server.URL+"/repo.git")
}

// TestSparseVersion0 has such a server leave out blobs, and git know that of the repository that is left.
func TestSparseVersion0(t *testing.T) {
	r := gittest.New(t)
	r.Bare("config", "uploadpack.allowFilter", "true")
	r.Bare("config", "uploadpack.allowAnySHA1InWant", "true")
	sha := r.Commit(large(6))
	m := inVersion0(t, r)
	var log bytes.Buffer
	m.Log = slog.New(slog.NewTextHandler(&log, nil))
	want, theirs := gittest.Sparse(t, r, sha, true, []string{"api"})
	dir := mustSparse(t, m, sha, Options{Sparse: list(t, "api"), DotGit: true})
	gittest.MustHave(t, sha, withoutGit(t, dir), want)
	sameToGit(t, dir, theirs)
	if log.Len() > 0 {
		t.Errorf("logged %s", log.String())
	}
}

// TestSparseSelectsNothing warns, once for a list, of what is most likely a mistake in it.
func TestSparseSelectsNothing(t *testing.T) {
	f := nested(t)
	super := f.repos["super"]
	sha := super.Commit(map[string]string{"top": "1", "api/x": "2", "libs/y": "3"})
	m := mirrorOf(t, gittest.ServeHTTP(t, filepath.Dir(super.Dir), gittest.HTTPOptions{})+"/super.git")
	var log bytes.Buffer
	m.Log = slog.New(slog.NewTextHandler(&log, nil))
	for entries, want := range map[string]string{
		"api": "", "api libs": "", "api libs/b": "", "/api/": "", "api api/deeper": "", "!/nowhere /top": "",
		"apii libs": "missing=[apii]", "api/deeper": "missing=[api/deeper]", "top": "missing=[top]",
		"/nowhere/": "selects no file of this revision", "/* !/*": "selects no file of this revision",
	} {
		log.Reset()
		for range 2 {
			mustSparse(t, m, sha, Options{Sparse: list(t, strings.Fields(entries)...)})
		}
		got := strings.ReplaceAll(log.String(), "the server has no partial clone", "")
		if n := strings.Count(got, "git.sparse names") + strings.Count(got, "git.sparse selects"); n > 1 || n == 1 != (want != "") || !strings.Contains(got, want) {
			t.Errorf("%s: logged %s", entries, got)
		}
	}
}
