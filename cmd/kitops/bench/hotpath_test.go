//go:build unix

package bench_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

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
		b.Run(fmt.Sprintf("Paths/%dfiles", files), func(b *testing.B) { w.paths(b, size, files, served) })
		b.Run(fmt.Sprintf("Sparse/%dfiles", files), func(b *testing.B) { w.sparse(b, size, served) })
	}
	b.Run("Growth", w.growth)
	b.Run("Idle/1000tasks", w.idleTasks)
	b.Run("Idle/seen", w.idleSeen)
	w.print(os.Stdout)
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
	w.add(b, "RSS of an idle agent: 1,000 tasks | 1 task", "MB", w.idleRSS(b, tasks.String(), 1_000), w.idleRSS(b, tasks.String()[:one], 1))
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
