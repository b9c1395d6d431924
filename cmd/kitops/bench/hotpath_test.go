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
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/git/gittest"
)

// BenchmarkHotPath holds the way from a look to a checkout against the git CLI,
// on generated repositories that both get from the same server.
func BenchmarkHotPath(b *testing.B) {
	w := newWorkbench(b)
	w.checkout = filepath.Join(w.dir, "checkout")
	build(b, w.checkout, "./testdata/checkout")
	b.Run("Look/50000refs", w.lookAtManyRefs)
	for _, files := range []int{1_000, 50_000} {
		served := serve(b, generate(b, files))
		size := fmt.Sprintf("%d files", files)
		b.Run(fmt.Sprintf("First/%dfiles", files), func(b *testing.B) { w.first(b, size, served) })
		b.Run(fmt.Sprintf("Commit/%dfiles", files), func(b *testing.B) { w.commit(b, size, served) })
		b.Run(fmt.Sprintf("Reuse/%dfiles", files), func(b *testing.B) { w.reuse(b, size, served) })
	}
	b.Run("Growth", w.growth)
	b.Run("Idle/1000tasks", w.idleTasks)
	w.print(os.Stdout)
}

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

func (w *workbench) lookAtManyRefs(b *testing.B) {
	repo := gittest.New(ramTB{b})
	sha := repo.Commit(map[string]string{"a": "1"})
	var packed strings.Builder
	packed.WriteString("# pack-refs with: peeled fully-peeled sorted \n")
	fmt.Fprintf(&packed, "%s refs/heads/main\n", sha)
	for i := range 50_000 {
		fmt.Fprintf(&packed, "%s refs/pull/%06d/head\n", sha, i)
	}
	if err := os.WriteFile(filepath.Join(repo.Dir, "packed-refs"), []byte(packed.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	s := serve(b, repo)
	w.idleLook(b, "50,000 refs", s.url, 50)
	m := w.mirror(b, s.url)
	s.sent.Store(0)
	if _, err := m.Heads(b.Context(), git.Patterns{"refs/heads/main"}); err != nil {
		b.Fatal(err)
	}
	own := s.sent.Swap(0)
	w.measure(b, "git", "ls-remote", s.url, mainRef)
	w.add(b, "look, 50,000 refs: bytes received | ls-remote", "KB", float64(own)/1000, float64(s.sent.Load())/1000)
}

func (w *workbench) mirror(b *testing.B, address string) *git.Mirror {
	b.Helper()
	url, err := git.ParseURL(address)
	if err != nil {
		b.Fatal(err)
	}
	transport := git.NewTransport()
	b.Cleanup(transport.CloseIdleConnections)
	return &git.Mirror{URL: url, Dir: filepath.Join(ramTB{b}.TempDir(), "mirror"), Transport: transport}
}

func (w *workbench) first(b *testing.B, size string, s *served) {
	b.Helper()
	var own, gits series
	s.replay.Store(true)
	defer s.replay.Store(false)
	dir := ramTB{b}.TempDir()
	both := func() (kitops, git sample) {
		kitops = w.measure(b, w.checkout, s.url, filepath.Join(dir, "mirror"), filepath.Join(dir, "own"))
		git = w.measure(b, "git", "clone", "--quiet", "--depth", "1", s.url, filepath.Join(dir, "git"))
		same(b, filepath.Join(dir, "own"), filepath.Join(dir, "git"))
		remove(b, dir)
		return kitops, git
	}
	both() // has the server make its answers
	repeat(b, func() {
		kitops, git := both()
		own, gits = append(own, kitops), append(gits, git)
	})
	title := "first checkout, " + size + " | clone --depth 1"
	w.compareAll(b, title, own, gits)
}

// commit measures a small push: into a fresh workdir, and the bytes of it.
func (w *workbench) commit(b *testing.B, size string, s *served) {
	b.Helper()
	dir := ramTB{b}.TempDir()
	bare, mirror := filepath.Join(dir, "bare.git"), filepath.Join(dir, "mirror")
	w.measure(b, "git", "clone", "--quiet", "--bare", "--depth", "1", s.url, bare)
	w.measure(b, w.checkout, s.url, mirror, filepath.Join(dir, "own"))
	remove(b, filepath.Join(dir, "own"))
	files, err := strconv.Atoi(strings.Fields(size)[0])
	if err != nil {
		b.Fatal(err)
	}
	var own, gits, ownBytes, gitBytes series
	n := 0
	repeat(b, func() {
		n++
		s.push(b, n, files)
		s.sent.Store(0)
		own = append(own, w.measure(b, w.checkout, s.url, mirror, filepath.Join(dir, "own")))
		ownBytes = append(ownBytes, sample{rss: s.sent.Swap(0)})
		gits = append(gits, w.measure(b, "/bin/sh", "-c", `cd "$0" && git fetch --quiet --depth 1 "$1" main && git worktree add --quiet --detach "$2" FETCH_HEAD`, bare, s.url, filepath.Join(dir, "git")))
		gitBytes = append(gitBytes, sample{rss: s.sent.Swap(0)})
		same(b, filepath.Join(dir, "own"), filepath.Join(dir, "git"))
		gittest.Git(b, bare, "worktree", "remove", "--force", filepath.Join(dir, "git"))
		remove(b, filepath.Join(dir, "own"))
	})
	title := "3-file commit, " + size + ", fresh | fetch --depth 1, worktree add"
	w.compare(b, title+", time", "time", "ms", wallMS, own, gits)
	w.compare(b, title+", CPU", "CPU", "ms", cpuMS, own, gits)
	bytesKB := func(s sample) float64 { return float64(s.rss) / 1000 }
	w.compare(b, title+", bytes received", "received", "KB", bytesKB, ownBytes, gitBytes)
}

// reuse measures a small push into a workdir that is there. Both sides have a
// double that goes before them, so that the server has made its answers.
func (w *workbench) reuse(b *testing.B, size string, s *served) {
	b.Helper()
	files, err := strconv.Atoi(strings.Fields(size)[0])
	if err != nil {
		b.Fatal(err)
	}
	s.replay.Store(true)
	defer s.replay.Store(false)
	dir := ramTB{b}.TempDir()
	own := func(who string) sample {
		return w.measure(b, w.checkout, s.url, filepath.Join(dir, who+"-mirror"), filepath.Join(dir, who+"-own"), "reuse")
	}
	gits := func(who string) sample {
		return w.measure(b, "/bin/sh", "-c", `cd "$0" && git fetch --quiet --depth 1 "$1" main && git checkout --quiet --detach FETCH_HEAD`, filepath.Join(dir, who+"-git"), s.url)
	}
	n := 10_000 // other commits than those of commit
	push := func() {
		n++
		s.push(b, n, files)
		s.forget()
		own("double")
		gits("double")
	}
	for _, who := range []string{"double", "measured"} {
		w.measure(b, "git", "clone", "--quiet", "--depth", "1", s.url, filepath.Join(dir, who+"-git"))
		own(who)
	}
	push() // after which no file is so new that it has to be read
	own("measured")
	gits("measured")
	var ours, theirs series
	repeat(b, func() {
		push()
		ours, theirs = append(ours, own("measured")), append(theirs, gits("measured"))
		same(b, filepath.Join(dir, "measured-own"), filepath.Join(dir, "measured-git"))
	})
	w.compareAll(b, "3-file commit, "+size+", reuse | fetch --depth 1, checkout in place", ours, theirs)
}

// growth follows 1,000 commits.
func (w *workbench) growth(b *testing.B) {
	const files = 1_000
	s := serve(b, generate(b, files))
	m := w.mirror(b, s.url)
	dir := ramTB{b}.TempDir()
	for n := range 1_000 {
		workdir := filepath.Join(dir, "workdir")
		if err := m.Checkout(b.Context(), git.Revision{Ref: mainRef, SHA: s.push(b, n, files/10)}, workdir, git.Options{}); err != nil {
			b.Fatal(err)
		}
		remove(b, workdir)
	}
	clone := filepath.Join(dir, "clone")
	w.measure(b, "git", "clone", "--quiet", "--bare", "--depth", "1", s.url, clone)
	gittest.Git(b, m.Dir, "fsck", "--full", "--no-dangling")
	w.add(b, "mirror after 1,000 commits of 3 files | fresh clone --bare --depth 1", "KB", diskKB(b, m.Dir), diskKB(b, clone))
}

func diskKB(b *testing.B, dir string) float64 {
	b.Helper()
	out, err := exec.Command("du", "-s", "--apparent-size", "-k", dir).Output()
	var kb float64
	if err == nil {
		_, err = fmt.Sscan(string(out), &kb)
	}
	if err != nil {
		b.Fatal(err)
	}
	return kb
}

// idleTasks compares an agent that has looked at 1,000 repositories, and run
// each once, with one that has a single task.
func (w *workbench) idleTasks(b *testing.B) {
	root := ramTB{b}.TempDir()
	backend := gittest.HTTPHandler(b, root, gittest.HTTPOptions{})
	server := httptest.NewServer(backend)
	b.Cleanup(server.Close)
	var tasks strings.Builder
	tasks.WriteString("tasks:\n")
	one := 0
	for i := range 1_000 {
		if out, err := exec.Command("cp", "-r", w.small.Dir, filepath.Join(root, fmt.Sprintf("r%d.git", i))).CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		fmt.Fprintf(&tasks, "  - {name: t%d, git: {url: %s/r%d.git}, interval: 4m, actions: [{name: a, entrypoint: /bin/true}]}\n", i, server.URL, i) // the first looks take all of the interval
		if i == 0 {
			one = tasks.Len()
		}
	}
	rss := func(text string, count int) float64 {
		dir := ramTB{b}.TempDir()
		file := filepath.Join(dir, "tasks.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
		cmd := exec.Command(w.kitops, "--config-file", file, "--state-file", filepath.Join(dir, "state.yaml"), "--repo-dir", filepath.Join(dir, "repos"), "--log-format", "json")
		cmd.Dir, cmd.Env = dir, append(gittest.Environ(), "TMPDIR="+dir)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		a := startAgent(b, cmd)
		for range count {
			a.await(b, "run finished", nil)
		}
		time.Sleep(5 * time.Second) // so that it is idle
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
		_, after, found := strings.Cut(string(status), "VmRSS:")
		if err != nil || !found {
			b.Fatal("no VmRSS in /proc")
		}
		kb, err := strconv.ParseFloat(strings.Fields(after)[0], 64)
		if err != nil {
			b.Fatal(err)
		}
		a.stop(b)
		return kb / 1024
	}
	w.add(b, "RSS of an idle agent: 1,000 tasks | 1 task", "MB", rss(tasks.String(), 1_000), rss(tasks.String()[:one], 1))
}

// add is compare for figures that need no median.
func (w *workbench) add(b *testing.B, title, unit string, kitops, git float64) {
	b.Helper()
	w.rows = append(w.rows, row{title, unit, kitops, git})
	b.ReportMetric(kitops, "kitops-"+unit)
	b.ReportMetric(git, "git-"+unit)
	b.ReportMetric(0, "ns/op")
}

// same holds two checkouts against each other.
func same(b *testing.B, own, gits string) {
	b.Helper()
	if out, err := exec.Command("diff", "-r", "--exclude=.git", own, gits).CombinedOutput(); err != nil {
		b.Fatalf("%v: %.500s", err, out)
	}
}

// remove empties a directory, or removes it.
func remove(b *testing.B, dir string) {
	b.Helper()
	if err := os.RemoveAll(dir); err != nil {
		b.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		b.Fatal(err)
	}
}
