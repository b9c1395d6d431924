//go:build unix

package bench_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/git/gittest"
)

const mainRef = "refs/heads/main"

// BenchmarkBesideGit compares the whole program with the git CLI doing the
// same. KITOPS_BENCH names the program; without it, it is built.
func BenchmarkBesideGit(b *testing.B) {
	w := newWorkbench(b)
	small := gittest.ServeHTTP(b, filepath.Dir(w.small.Dir), gittest.HTTPOptions{}) + "/repo.git"
	large := gittest.ServeHTTP(b, filepath.Dir(w.large.Dir), gittest.HTTPOptions{}) + "/repo.git"
	b.Run("NothingNew/http", func(b *testing.B) { w.nothingNew(b, "http", small) })
	b.Run("NothingNew/local", func(b *testing.B) { w.nothingNew(b, "local", w.small.Dir) })
	b.Run("IdleLook/http", func(b *testing.B) { w.idleLook(b, "http", small, 100) })
	b.Run("IdleLook/local", func(b *testing.B) { w.idleLook(b, "local", w.small.Dir, 500) })
	b.Run("LookToAction/2files", func(b *testing.B) { w.lookToAction(b, "2 files", w.small) })
	b.Run("LookToAction/1000files", func(b *testing.B) { w.lookToAction(b, "1,000 files", w.large) })
	b.Run("FirstCheckout/http", func(b *testing.B) { w.firstCheckout(b, "http", large) })
	b.Run("FirstCheckout/local", func(b *testing.B) { w.firstCheckout(b, "local", "file://"+w.large.Dir) })
	b.Run("Commit/15000files", w.commitOfMany)
	b.Run("FirstRuns", w.firstRuns)
	w.print(os.Stdout)
}

// commitOfMany is what a periodic job pays for a commit of three files, and before that for all of them: whole processes, with
// start, save, action and removal.
func (w *workbench) commitOfMany(b *testing.B) {
	const files = 15_000
	repo := generate(b, files)
	s := serve(b, repo)
	once := w.task(b, s.url, "true", append(actionUser(), "--poll-once")...)
	clone, added := filepath.Join(w.dir, "clone"), filepath.Join(w.dir, "added")
	w.measure(b, "git", "clone", "--quiet", "--bare", "--depth", "1", s.url, clone)
	var kitops, git, kitopsFirst, gitFirst series
	n := 0
	repeat(b, func() {
		kitopsFirst = append(kitopsFirst, w.measure(b, w.task(b, s.url, "true", append(actionUser(), "--poll-once")...)...))
		gitFirst = append(gitFirst, w.measure(b, "git", "clone", "--quiet", "--depth", "1", s.url, added))
		remove(b, added)
		if n == 0 {
			w.measure(b, once...)
		}
		n++
		s.push(b, n, files)
		kitops = append(kitops, w.measure(b, once...))
		git = append(git, w.measure(b, "/bin/sh", "-c", `cd "$1" && git fetch --quiet --depth 1 origin main && git worktree add --quiet --force --detach "$2" FETCH_HEAD`, "sh", clone, added))
		remove(b, added)
	})
	w.compareAll(b, "first checkout, 15,000 files: --poll-once | clone --depth 1", kitopsFirst, gitFirst)
	w.compareAll(b, "commit of 3 files, 15,000 files: --poll-once | fetch --depth 1 and worktree add", kitops, git)
}

// firstRuns compares what a task costs where there are a hundred times as many: git has no such thing, the other side is kitops.
func (w *workbench) firstRuns(b *testing.B) {
	perTask := func(count int) sample {
		dir := ramTB{b}.TempDir()
		var tasks strings.Builder
		tasks.WriteString("defaults: {git: {branch: main}, actions: [{run: 'true'}]}\ntasks:\n")
		for i := range count {
			fmt.Fprintf(&tasks, "  - {name: t%d, git: {url: %q}}\n", i, w.small.Dir)
		}
		file := filepath.Join(dir, "tasks.yaml")
		if err := os.WriteFile(file, []byte(tasks.String()), 0o600); err != nil {
			b.Fatal(err)
		}
		s := w.measure(b, w.kitops, "--config-file", file, "--poll-once", "--state-file", filepath.Join(dir, "state.yaml"), "--repo-dir", filepath.Join(dir, "repos"))
		s.cpu /= time.Duration(count)
		return s
	}
	few := perTask(100)
	for _, count := range []int{1000, 10_000} {
		many := perTask(count)
		w.rows = append(w.rows, row{fmt.Sprintf("CPU of a task's first run: %d tasks | 100 tasks, both kitops", count), "ms", cpuMS(many), cpuMS(few)})
		b.ReportMetric(cpuMS(many)/cpuMS(few), fmt.Sprintf("growth-%d", count))
	}
}

// task is the command line for the task main on url, with a memory of its own.
func (w *workbench) task(b *testing.B, url, action string, more ...string) []string {
	b.Helper()
	dir := ramTB{b}.TempDir()
	return append([]string{
		w.kitops, "--url", url, "--branch", "main", "--action", action,
		"--state-file", filepath.Join(dir, "state.yaml"), "--repo-dir", filepath.Join(dir, "repos"),
	}, more...)
}

func (w *workbench) nothingNew(b *testing.B, place, url string) {
	b.Helper()
	once := w.task(b, url, "true", "--poll-once")
	w.measure(b, once...)
	var kitops, git series
	repeat(b, func() {
		kitops = append(kitops, w.measure(b, once...))
		git = append(git, w.measure(b, "git", "ls-remote", url, mainRef))
	})
	w.compareAll(b, "nothing new, "+place+": --poll-once | ls-remote", kitops, git)
}

// idleLook takes the difference of a long and a short life of the agent, so
// that its start does not count.
func (w *workbench) idleLook(b *testing.B, place, url string, looks int) {
	b.Helper()
	args := w.task(b, url, "true", "--interval", "2ms", "--log-level", "debug", "--log-format", "json")
	live := func(looks int) sample {
		a := startAgent(b, w.command(args...))
		for range looks {
			a.await(b, "polled", nil)
		}
		a.stop(b)
		return w.took(b)
	}
	live(2) // runs what is new
	var kitops, git series
	repeat(b, func() {
		short, long := live(2), live(2+looks)
		kitops = append(kitops, sample{cpu: max(0, long.cpu-short.cpu) / time.Duration(looks), rss: long.rss})
		git = append(git, w.measure(b, "git", "ls-remote", url, mainRef))
	})
	title := "idle look, " + place + ": agent | ls-remote"
	w.compare(b, title+", CPU", "cpu", "ms", cpuMS, kitops, git)
	w.compare(b, title+", RSS", "rss", "MB", rssMB, kitops, git)
}

// lookToAction measures from the request of the look that finds a push, to the
// first thing the action does, which is to read the clock.
func (w *workbench) lookToAction(b *testing.B, size string, repo *gittest.Repo) {
	b.Helper()
	asked := &arrivals{backend: gittest.HTTPHandler(b, filepath.Dir(repo.Dir), gittest.HTTPOptions{})}
	server := httptest.NewServer(asked)
	b.Cleanup(server.Close)
	url := server.URL + "/repo.git"

	a := startAgent(b, w.command(w.task(b, url, "date +%s%N", "--interval", "1s", "--log-format", "json")...))
	a.await(b, "run finished", nil)
	var kitops, clone, fetch series
	kept := filepath.Join(w.dir, "kept")
	w.measure(b, "git", "clone", "--quiet", "--depth", "1", "--branch", "main", url, kept)
	b.Cleanup(func() { _ = os.RemoveAll(kept) })
	pushes := 0
	repeat(b, func() {
		pushes++
		sha := repo.Commit(map[string]string{"changed": strconv.Itoa(pushes) + size})
		started := a.await(b, "run started", func(l said) bool { return l.SHA == sha })
		printed := a.await(b, "", func(l said) bool { return l.Run == started.Run && l.Action != "" })
		kitops = append(kitops, sample{wall: clock(b, printed.Msg).Sub(asked.lastBefore(b, started.Time))})
		a.await(b, "run finished", nil)
		clone = append(clone, w.script(b, `git ls-remote "$1" main && git clone --quiet --depth 1 --branch main "$1" fresh && cd fresh`, url))
		if err := os.RemoveAll(filepath.Join(w.dir, "fresh")); err != nil {
			b.Fatal(err)
		}
		fetch = append(fetch, w.script(b, `cd kept && git ls-remote "$1" main && git fetch --quiet --depth 1 origin main && git checkout --quiet --force FETCH_HEAD`, url))
	})
	a.stop(b)
	title := "look to action, " + size + ": agent | ls-remote and "
	w.compare(b, title+"clone --depth 1", "time-beside-clone", "ms", wallMS, kitops, clone)
	w.compare(b, title+"fetch --depth 1 and checkout", "time-beside-fetch", "ms", wallMS, kitops, fetch)
}

func (w *workbench) firstCheckout(b *testing.B, place, url string) {
	b.Helper()
	var kitops, git series
	fresh := filepath.Join(w.dir, "fresh")
	repeat(b, func() {
		kitops = append(kitops, w.measure(b, w.task(b, url, "true", "--poll-once")...))
		git = append(git, w.measure(b, "git", "clone", "--quiet", "--depth", "1", url, fresh))
		if err := os.RemoveAll(fresh); err != nil {
			b.Fatal(err)
		}
	})
	w.compareAll(b, "first checkout, 1,000 files, "+place+": --poll-once | clone --depth 1", kitops, git)
}

// script measures a shell script to its end, where it reads the clock as the action does.
func (w *workbench) script(b *testing.B, text, url string) sample {
	b.Helper()
	cmd := w.command("/bin/sh", "-c", text+" && date +%s%N", "script", url)
	begin := time.Now()
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("%s: %v", text, err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return sample{wall: clock(b, lines[len(lines)-1]).Sub(begin)}
}

func clock(b *testing.B, nanoseconds string) time.Time {
	b.Helper()
	n, err := strconv.ParseInt(nanoseconds, 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return time.Unix(0, n)
}

// arrivals notes when looks ask.
type arrivals struct {
	backend http.Handler
	mu      sync.Mutex
	at      []time.Time
}

func (s *arrivals) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/info/refs") {
		s.mu.Lock()
		s.at = append(s.at, time.Now())
		s.mu.Unlock()
	}
	s.backend.ServeHTTP(rw, r)
}

func (s *arrivals) lastBefore(b *testing.B, moment time.Time) time.Time {
	b.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.at) - 1; i >= 0; i-- {
		if s.at[i].Before(moment) {
			return s.at[i]
		}
	}
	b.Fatal("a run without a look")
	return time.Time{}
}
