package git

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// behind serves a forge with something before it.
func (f *forge) behind(t *testing.T, guard func(w http.ResponseWriter, r *http.Request, body []byte) (done bool)) string {
	t.Helper()
	backend := gittest.HTTPHandler(t, f.root, gittest.HTTPOptions{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !guard(w, r, body) {
			backend.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// TestSubmoduleRefused has a server that does not give a commit by its id at
// first, though it is a head.
func TestSubmoduleRefused(t *testing.T) {
	t.Parallel()
	f := newForge(t, "super", "a")
	sha := f.linked(t, "super", "a", "../a.git")
	id := f.repos["a"].SHA("HEAD")
	var refusals atomic.Int32
	limit := int32(1)
	root := f.behind(t, func(w http.ResponseWriter, r *http.Request, body []byte) bool {
		if !bytes.Contains(body, []byte("want "+id)) || refusals.Add(1) > limit {
			return false
		}
		w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
		message := "ERR upload-pack: not our ref " + id
		_, _ = fmt.Fprintf(w, "%04x%s", len(message)+4, message)
		return true
	})
	p := newPool(t)
	m := p.at(root + "/super.git")
	f.equal(t, m, p, sha)
	if refusals.Load() != 2 {
		t.Errorf("asked %d times", refusals.Load())
	}
	limit = 1000
	p = newPool(t)
	p.fails(t, p.at(root+"/super.git"), sha, `submodule "a": its commit `+id+" is not on "+root+"/a.git: was it pushed?")
}

// TestSubmoduleOfOldServer has recorded commits that are no heads on a server of
// version 0, which gives heads only.
func TestSubmoduleOfOldServer(t *testing.T) {
	long(t)
	t.Parallel()
	f := newForge(t, "super", "a")
	f.repos["a"].Commit(map[string]string{"second": "2"})
	second := f.linked(t, "super", "a", "../a.git")
	f.repos["a"].Commit(map[string]string{"third": "3"})
	third := f.linked(t, "super", "a", "../a.git")
	f.repos["a"].Git("tag", "--annotate", "--message", "of a commit that is on no branch", "v1")
	f.repos["a"].Git("push", "--quiet", "origin", "v1")
	f.repos["a"].Reset(f.repos["a"].SHA("HEAD~1"))
	headOfFourth := f.repos["a"].Commit(map[string]string{"fourth": "4"})
	fourth := f.linked(t, "super", "a", "../a.git")
	headOfFifth := f.repos["a"].Commit(map[string]string{"fifth": "5"})
	fifth := f.linked(t, "super", "a", "../a.git")
	root := f.behind(t, func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
		r.Header.Del("Git-Protocol")
		return false
	})
	server := gittest.ServeSSH(t, f.root)
	server.Old = true
	for _, root := range []string{root, strings.TrimSuffix(server.URL(""), "/")} {
		p := newPool(t)
		p.home = server.Home
		var log bytes.Buffer
		p.at(root + "/a.git").Log = slog.New(slog.NewTextHandler(&log, nil))
		m := p.at(root + "/super.git")
		f.repos["a"].Reset(headOfFourth)
		for i, sha := range []string{fourth, second, third} {
			// The superproject's own commits are heads in turn.
			f.repos["super"].Reset(sha)
			f.equal(t, m, p, sha)
			if n := strings.Count(log.String(), "heads only"); n != min(i, 1) { // the third is where a tag is, and fetched by that
				t.Errorf("%d: %d warnings: %s", i, n, log.String())
			}
		}
		f.repos["a"].Reset(headOfFifth)
		f.repos["super"].Reset(fifth)
		f.equal(t, m, p, fifth) // thin again
		f.link(t, "super", "a", "../a.git", strings.Repeat("12", 20))
		gone := f.repos["super"].Commit(nil)
		p.fails(t, m, gone, `submodule "a": its commit `+strings.Repeat("12", 20)+" is not on "+root+"/a.git: was it pushed?")
		f.repos["super"].Reset(third)
		f.equal(t, m, p, third)
	}
}

// TestEmptySubmodule has nothing in the repository yet.
func TestEmptySubmodule(t *testing.T) {
	f := newForge(t, "super")
	gittest.NewIn(t, f.root, "empty")
	f.link(t, "super", "sub", "../empty.git", strings.Repeat("12", 20))
	sha := f.repos["super"].Commit(nil)
	for _, reach := range some(f.ways()) {
		root, p := reach(t)
		p.fails(t, p.at(root+"/super.git"), sha, `submodule "sub": its commit `, "is not on "+p.at(root+"/empty.git").URL.String()+": was it pushed?")
	}
}
