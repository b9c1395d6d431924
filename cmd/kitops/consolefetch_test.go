//go:build unix

package main

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// slowAnswer passes so many bytes on, and the rest when it is let go.
type slowAnswer struct {
	http.ResponseWriter
	left int
	free <-chan struct{}
}

func (w *slowAnswer) Write(p []byte) (int, error) {
	head := min(len(p), max(w.left, 0))
	w.left -= len(p)
	n, err := w.ResponseWriter.Write(p[:head])
	if err != nil || head == len(p) {
		return n, err
	}
	if err := http.NewResponseController(w.ResponseWriter).Flush(); err != nil {
		return n, err
	}
	<-w.free
	rest, err := w.ResponseWriter.Write(p[head:])
	return n + rest, err
}

// TestALongFetchIsOneLineOnATerminal has a server that sends the end of a pack only when
// the terminal has shown how far the fetch is.
func TestALongFetchIsOneLineOnATerminal(t *testing.T) {
	t.Parallel()
	s := seat{t: t, dir: t.TempDir(), columns: 80, environ: []string{"NO_COLOR=1"}}
	repo := gittest.NewAt(t, filepath.Join(s.dir, "shop.git"), filepath.Join(s.dir, "shop"))
	noise := make([]byte, 1_000_000)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	repo.Commit(map[string]string{"page": string(noise)})
	git, free := gittest.HTTPHandler(t, s.dir, gittest.HTTPOptions{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		git.ServeHTTP(&slowAnswer{w, 200_000, free}, r)
	}))
	defer server.Close()
	let := sync.OnceFunc(func() { close(free) })
	defer let()
	s.watches = func(shown string) {
		if strings.Contains(shown, " fetched ") {
			let()
		}
	}
	shown := settled(s.runs("", "--url", server.URL+"/shop.git", "--action", "echo hello", "--poll-once"), s.dir)
	shown = regexp.MustCompile(`shop main [0-9a-f]{7}`).ReplaceAllString(shown, "shop main SHA")
	shown = regexp.MustCompile(`fetched [0-9.]+ [kM]?B(, [01] of 1 files)?`).ReplaceAllString(shown, "fetched SO MUCH")
	again := regexp.MustCompile(`(\\e\[\?7lshop main SHA fetched SO MUCH\\e\[\?7h(\r\\e\[K)?)+`)
	want := "HH:MM:SS shop main SHA run started\n" + "FETCHED" + "HH:MM:SS shop main SHA action │ hello\n" + "HH:MM:SS shop main SHA success in 23ms\n"
	if got := again.ReplaceAllString(shown, "FETCHED"); got != want {
		t.Errorf("%q", shown)
	}
}
