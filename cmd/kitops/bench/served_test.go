//go:build unix

package bench_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// served is a repository on a server that counts what it sends. While it
// replays, it gives the same answer to the same request again, so that the
// work of the server is not in what is measured.
type served struct {
	repo    *gittest.Repo
	url     string
	sent    atomic.Int64
	replay  atomic.Bool
	mu      sync.Mutex
	answers map[string]*httptest.ResponseRecorder
}

func serve(b *testing.B, repo *gittest.Repo) *served {
	b.Helper()
	s := &served{repo: repo, answers: map[string]*httptest.ResponseRecorder{}}
	backend := gittest.HTTPHandler(b, filepath.Dir(repo.Dir), gittest.HTTPOptions{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w = &counter{w, &s.sent}
		if !s.replay.Load() {
			backend.ServeHTTP(w, r)
			return
		}
		answer := s.answer(backend, r)
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	}))
	b.Cleanup(server.Close)
	s.url = server.URL + "/" + filepath.Base(repo.Dir)
	return s
}

func (s *served) answer(backend http.Handler, r *http.Request) *httptest.ResponseRecorder {
	body, _ := io.ReadAll(r.Body) // cut short, it is another request
	key := r.Method + r.URL.String() + r.Header.Get("Git-Protocol") + string(body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answers[key] == nil {
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.answers[key] = httptest.NewRecorder()
		backend.ServeHTTP(s.answers[key], r)
	}
	return s.answers[key]
}

// forget has the server answer anew.
func (s *served) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.answers)
}

type counter struct {
	http.ResponseWriter
	sent *atomic.Int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.sent.Add(int64(n))
	return n, err
}

func (c *counter) Flush() { _ = http.NewResponseController(c.ResponseWriter).Flush() }

// generate makes a repository of files like source code: lines that recur with
// other names in them. It is always the same one.
func generate(b *testing.B, files int) *gittest.Repo {
	b.Helper()
	repo := gittest.New(ramTB{b})
	random := rand.New(rand.NewPCG(uint64(files), 5))
	word := func() string {
		w := make([]byte, 3+random.IntN(9))
		for i := range w {
			w[i] = byte('a' + random.IntN(26))
		}
		return string(w)
	}
	words, lines := make([]string, 3000), make([]string, 600)
	for i := range words {
		words[i] = word()
	}
	for i := range lines {
		lines[i] = strings.Repeat("\t", random.IntN(4)) + word() + " := " + word() + "." + word() + "(ctx, %s, " + word() + ")\n"
	}
	var stream bytes.Buffer
	stream.WriteString("commit refs/heads/main\ncommitter k <k@example.com> 1767323045 +0000\ndata 5\nfirst\n")
	for i := range files {
		var text strings.Builder
		for size := 500 + random.IntN(6000); text.Len() < size; {
			fmt.Fprintf(&text, lines[random.IntN(len(lines))], words[random.IntN(len(words))])
		}
		mode := "100644"
		if i%50 == 0 {
			mode = "100755"
		}
		fmt.Fprintf(&stream, "M %s inline %s\ndata %d\n%s\n", mode, fileName(i), text.Len(), text.String())
	}
	stream.WriteString("\ndone\n")
	gittest.GitInput(b, repo.Dir, stream.String(), "fast-import", "--quiet", "--done")
	repo.Bare("repack", "-adq")
	return repo
}

func fileName(i int) string {
	return fmt.Sprintf("services/s%03d/internal/p%d/file_%05d.go", i/100, i%7, i)
}

// push adds a commit with three files, without a work tree.
func (s *served) push(b *testing.B, n, files int) string {
	b.Helper()
	var stream bytes.Buffer
	fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter k <k@example.com> %d +0000\ndata 4\nmore\nfrom refs/heads/main^0\n", 1767323046+n)
	for i := range 3 {
		text := fmt.Sprintf("changed %d %d\n%s", n, i, strings.Repeat("some more text\n", 100))
		fmt.Fprintf(&stream, "M 100644 inline %s\ndata %d\n%s\n", fileName((n*37+i*311)%files), len(text), text)
	}
	stream.WriteString("\ndone\n")
	gittest.GitInput(b, s.repo.Dir, stream.String(), "fast-import", "--quiet", "--done", "--force")
	return s.repo.Bare("rev-parse", "refs/heads/main")
}
