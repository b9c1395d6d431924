package lfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/remote"
	"github.com/bittrance/kitops/poller/secret"
)

// serve has a server of Git LFS, a client of it and an empty store.
func serve(t *testing.T) (*gittest.LFS, *Fetch) {
	t.Helper()
	l := &gittest.LFS{}
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	repo, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	outside := remote.NewOutsideTransport(t.Context(), "git.example.com")
	t.Cleanup(outside.Close)
	own := remote.NewTransport()
	t.Cleanup(own.CloseIdleConnections)
	return l, &Fetch{
		Dir: filepath.Join(t.TempDir(), "store"), Through: func(r io.Reader) io.Reader { return r },
		Server: &Server{
			LFSServer: remote.LFSServer{URL: server.URL + "/info/lfs", Header: map[string]secret.Text{"Authorization": secret.New("Basic hunter2")}, Agent: "kitops"},
			Repo:      repo, Own: own, Other: outside,
		},
	}
}

func pointerTo(t *testing.T, l *gittest.LFS, content string) Pointer {
	t.Helper()
	p, ok := Parse([]byte(l.Add(content)))
	if !ok {
		t.Fatal("no pointer")
	}
	return p
}

func mustHold(t *testing.T, f *Fetch, p Pointer, want string) {
	t.Helper()
	var got bytes.Buffer
	if err := Copy(&got, f.Dir, p); err != nil || got.String() != want {
		t.Errorf("stored %.40q: %v", got.String(), err)
	}
}

// TestTokenStaysAtTheRepository sends it with the question and nowhere else: not to the address of an object, be that on the
// same host, and by no redirect. What the answer gives goes to that address only.
func TestTokenStaysAtTheRepository(t *testing.T) {
	l, f := serve(t)
	var mu sync.Mutex
	seen := map[string]string{}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.URL.Path] = strings.TrimSpace(fmt.Sprint(r.Header.Get("Authorization"), " ", r.Header.Get("X-Given"), r.Header.Get("Referer"), r.Header.Get("Cookie")))
		mu.Unlock()
		if strings.HasPrefix(r.URL.Path, "/moved/") {
			http.Redirect(w, r, strings.TrimPrefix(r.URL.Path, "/moved"), http.StatusFound)
			return
		}
		l.ServeHTTP(w, r)
	}))
	t.Cleanup(elsewhere.Close)
	l.Header = map[string]string{"X-Given": "given", "Host": "evil.example", "Range": "bytes=5-"}
	p := pointerTo(t, l, "content")
	l.Href = func(_ *http.Request, oid string) string {
		return elsewhere.URL + "/moved/lfs-objects/" + oid + "?signed=x"
	}
	if err := f.Run(t.Context(), []Pointer{p}); err != nil {
		t.Fatal(err)
	}
	mustHold(t, f, p, "content")
	if seen["/moved/lfs-objects/"+p.OID] != "given" || seen["/lfs-objects/"+p.OID] != "" {
		t.Errorf("saw %q", seen)
	}
	if asked, _ := l.Asked(); len(asked) != 1 || asked[0] != "Basic hunter2" {
		t.Errorf("asked with %q", asked)
	}
	// A question that is redirected to another port goes there without anything.
	var leaked atomic.Value
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaked.Store(r.Header.Get("Authorization"))
		http.Error(w, `{"message":"no"}`, http.StatusUnauthorized)
	}))
	t.Cleanup(other.Close)
	l.OnBatch = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
		return true
	}
	q := pointerTo(t, l, "another")
	if err := f.Run(t.Context(), []Pointer{q}); err == nil || !strings.Contains(err.Error(), "authentication required") || leaked.Load() != "" {
		t.Errorf("got %v, leaked %v", err, leaked.Load())
	}
}

// TestNoWayInside refuses addresses that a server on the net must not lead to.
func TestNoWayInside(t *testing.T) {
	l, f := serve(t)
	reached := false
	inside := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	t.Cleanup(inside.Close)
	p := pointerTo(t, l, "content")
	f.Server.Repo = &url.URL{Scheme: "http", Host: "127.0.0.1:1"} // to get at the answer
	for _, address := range []string{strings.Replace(inside.URL, "127.0.0.1", "localhost", 1), "https://[::1]:1", "https://10.0.0.1", "https://169.254.169.254", "https://192.168.1.1", "https://100.64.0.1", "https://[fd00::1]", "https://0.0.0.0:1"} {
		l.Href = func(*http.Request, string) string { return address }
		err := f.Run(t.Context(), []Pointer{p})
		if err == nil || !strings.Contains(err.Error(), "refused: the address of a private network") {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"http://x.example/", "ftp://x.example/", "file:///etc/passwd", "//x.example/", "/relative", "https:///x"} {
		l.Href = func(*http.Request, string) string { return address }
		if err := f.Run(t.Context(), []Pointer{p}); err == nil || !strings.Contains(err.Error(), "only https is followed") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if reached {
		t.Error("a service on this host was asked")
	}
}

// TestGoesOn resumes what was cut off, within a call and in the next one.
func TestGoesOn(t *testing.T) {
	l, f := serve(t)
	content := strings.Repeat("0123456789", 100_000)
	p := pointerTo(t, l, content)
	cuts := 0
	l.OnObject = func(w http.ResponseWriter, r *http.Request) bool {
		if cuts++; cuts > 2 {
			return false
		}
		var from int
		_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
		w.Header().Set("Content-Length", fmt.Sprint(len(content)-from))
		if from > 0 {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
			w.WriteHeader(http.StatusPartialContent)
		}
		_, _ = io.WriteString(w, content[from:from+300_000])
		panic(http.ErrAbortHandler)
	}
	if err := f.Run(t.Context(), []Pointer{p}); err != nil {
		t.Fatal(err)
	}
	mustHold(t, f, p, content)
	if _, asked := l.Asked(); len(asked) != 3 || !strings.Contains(asked[1], "bytes=2") || !strings.Contains(asked[2], "bytes=5") { // what came of 300,000 bytes each
		t.Errorf("asked for %q", asked)
	}
	for name, part := range map[string]string{"good": content[:500_000], "of another time": strings.Repeat("x", 500_000), "whole": content, "too long": content + "more"} {
		if err := os.RemoveAll(f.Dir); err != nil {
			t.Fatal(err)
		}
		gittest.Write(t, path(f.Dir, p.OID)+unfinished, part)
		if err := f.Run(t.Context(), []Pointer{p}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		mustHold(t, f, p, content)
	}
	// A server that knows no ranges begins anew.
	l.OnObject = func(w http.ResponseWriter, _ *http.Request) bool { _, _ = io.WriteString(w, content); return true }
	_ = os.RemoveAll(f.Dir)
	gittest.Write(t, path(f.Dir, p.OID)+unfinished, content[:500_000])
	if err := f.Run(t.Context(), []Pointer{p}); err != nil {
		t.Fatal(err)
	}
	mustHold(t, f, p, content)
}

// TestServersThatLie send something else than they are asked for.
func TestServersThatLie(t *testing.T) {
	for want, answer := range map[string]http.HandlerFunc{
		"what came is another content":          func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "CONTENT") },
		"sends 8 bytes, and the pointer says 7": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "content!") },
		"sends 6 bytes, and the pointer says 7": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "conten") },
		"sends more than the 7 bytes": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "content")
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, "!")
		},
		"unexpected EOF":                    func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() },
		"the server answered 404 Not Found": http.NotFound,
		"the server answered 503":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"budget of the repository's owner":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(509) },
		"too many redirects":                func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) },
		"leads to \"http://x.example\", and onl": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://x.example/", http.StatusFound)
		},
	} {
		l, f := serve(t)
		p := pointerTo(t, l, "content")
		l.OnObject = func(w http.ResponseWriter, r *http.Request) bool { answer(w, r); return true }
		if err := f.Run(t.Context(), []Pointer{p}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), p.OID) {
			t.Errorf("got %v, want %s", err, want)
		}
		if Has(f.Dir, p) {
			t.Errorf("%s: stored", want)
		}
	}
}

// TestManyObjects asks for a hundred at a time, and has four of them come at once.
func TestManyObjects(t *testing.T) {
	l, f := serve(t)
	var all []Pointer
	for i := range 250 {
		all = append(all, pointerTo(t, l, fmt.Sprint("content ", i)))
	}
	var now, most atomic.Int32
	l.OnObject = func(http.ResponseWriter, *http.Request) bool {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer now.Add(-1)
		return false
	}
	if err := f.Run(t.Context(), append(all, all...)); err != nil {
		t.Fatal(err)
	}
	batches, objects := l.Asked()
	if len(batches) != 3 || len(objects) != 250 || most.Load() > atOnce {
		t.Errorf("%d questions, %d objects, %d at once", len(batches), len(objects), most.Load())
	}
	ctx, cancel := context.WithCancel(t.Context())
	l.OnObject = func(_ http.ResponseWriter, r *http.Request) bool { cancel(); <-r.Context().Done(); return false } // when the client has gone
	if err := f.Run(ctx, []Pointer{pointerTo(t, l, "another")}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestTrim keeps what is used, and what was used last.
func TestTrim(t *testing.T) {
	l, f := serve(t)
	var s Store
	var all []Pointer
	for i := range 5 {
		all = append(all, pointerTo(t, l, fmt.Sprint("content ", i)))
	}
	if err := f.Run(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	done := s.Use(all[:2])
	if err := s.Trim(f.Dir, 20); err != nil || !Has(f.Dir, all[0]) || !Has(f.Dir, all[1]) || Has(f.Dir, all[2]) {
		t.Errorf("in use: %v", err)
	}
	done()
	if err := s.Trim(f.Dir, 0); err != nil || Has(f.Dir, all[0]) {
		t.Errorf("unused: %v", err)
	}
}

// FuzzAnswer reads whatever a server may say.
func FuzzAnswer(f *testing.F) {
	p, _ := Parse([]byte(gittest.LFSPointer("content")))
	for _, text := range []string{
		`{}`, `[]`, `{"objects":[{"oid":"OID","size":7,"actions":{"download":{"href":"https://x.example/o","header":{"A":"b"}}}}]}`,
		`{"objects":[{"oid":"OID","size":7,"error":{"code":404,"message":"x"}}]}`, `{"transfer":"basic","objects":[{"oid":"OID","size":7,"actions":{"download":{"href":"http://h.example/"}}}]}`,
	} {
		f.Add([]byte(strings.ReplaceAll(text, "OID", p.OID)))
	}
	s := &Server{Repo: &url.URL{Scheme: "http", Host: "h.example"}}
	f.Fuzz(func(t *testing.T, text []byte) {
		places, err := s.places(text, []Pointer{p})
		if err != nil {
			return
		}
		for _, found := range places {
			if found.Pointer != p || found.href.Scheme != "https" && found.href.Host != "h.example" {
				t.Errorf("%+v", found)
			}
			for name, value := range found.header {
				if !validHeader(name, value.Reveal()) {
					t.Errorf("header %q", name)
				}
			}
		}
	})
}
