//go:build soak && linux

package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/app/apptest"
)

var soakFor = flag.Duration("soak", 15*time.Minute, "how long TestSoak pushes")

// postsOf is how many statuses an owner's installation may get, with room to the
// 500 an hour that GitHub allows.
const postsOf = 400

// TestSoak pushes once a second for a long time: nothing is lost or repeated,
// every status arrives, and the agent does not grow. It is no part of make test:
// see make soak.
func TestSoak(t *testing.T) {
	s := newSoak(t)
	var samples []sample
	every := max(*soakFor/30, time.Second)
	pace := time.NewTicker(time.Second)
	defer pace.Stop()
	begun := time.Now()
	for next := begun.Add(every); time.Since(begun) < *soakFor; {
		<-pace.C
		s.push(len(s.pushed))
		if time.Now().After(next) {
			samples = append(samples, s.sample())
			next = next.Add(every)
		}
	}
	s.await("every status", func() bool { return len(s.unfinished()) == 0 })
	samples = append(samples, s.sample())
	for _, one := range samples {
		t.Log(one)
	}
	t.Logf("%d pushes to %d repositories in %s", len(s.pushed), len(s.repos), time.Since(begun).Round(time.Second))
	s.verdict()
	grows(t, samples)
}

// soak is a scene with so many owners that GitHub's limits let all statuses through.
type soak struct {
	*hookScene
	repos  []*apptest.Repository
	pushed []pushed
}

type pushed struct {
	repo *apptest.Repository
	sha  string
}

func newSoak(t *testing.T) *soak {
	t.Helper()
	s := &soak{hookScene: hooked(t, newPromptScene(t, apptest.Options{}))}
	tasks := "tasks:\n"
	for i := range max(3, int(2*soakFor.Seconds())/postsOf+1) {
		owner := fmt.Sprintf("soak%d", i)
		s.AddOrg(owner)
		repo := s.AddRepository(owner, "shop", apptest.RepositoryOptions{Private: true})
		s.repos = append(s.repos, repo)
		s.pushed = append(s.pushed, pushed{repo, repo.Push("main", map[string]string{"README.md": owner})})
		s.app.Install(owner, nil)
		tasks += fmt.Sprintf("  - {name: %s, git: {url: $GITHUB/%[1]s/shop, branch: main}, interval: 2s, actions: [{run: 'echo ${DOLLAR}KITOPS_SHA >> $PLACE/ran'}]}\n", owner)
	}
	s.serve(slices.Concat(s.tasks(tasks), s.listening())...)
	return s
}

// push commits to one repository after the other. GitHub delivers most of it,
// and loses every seventh webhook. A repository is pushed to again when the
// commit before it has its outcome, since else that one may never run.
func (s *soak) push(n int) {
	s.t.Helper()
	repo := s.repos[n%len(s.repos)]
	before := repo.Head("main")
	s.await("the status of "+before, func() bool { return finished(repo, before) })
	sha := repo.Push("main", map[string]string{"file": strconv.Itoa(n), fmt.Sprintf("many/%d", n%50): strconv.Itoa(n)})
	s.pushed = append(s.pushed, pushed{repo, sha})
	if n%7 != 0 {
		s.wantStatus(s.app.Deliver(s.t.Context(), repo.PushEvent("refs/heads/main", before, sha)), 202)
	}
}

func finished(repo *apptest.Repository, sha string) bool {
	all := repo.Statuses(sha)
	return len(all) > 0 && all[len(all)-1].State != "pending"
}

// unfinished are the commits that have no outcome yet.
func (s *soak) unfinished() (shas []string) {
	for _, p := range s.pushed {
		if !finished(p.repo, p.sha) {
			shas = append(shas, p.sha)
		}
	}
	return shas
}

// verdict: every commit ran once and has been told of.
func (s *soak) verdict() {
	s.t.Helper()
	s.agent.stop()
	times := map[string]int{}
	for _, sha := range s.ran() {
		times[sha]++
	}
	for _, p := range s.pushed {
		if times[p.sha] != 1 {
			s.t.Errorf("%s ran %d times", p.sha, times[p.sha])
		}
		all := p.repo.Statuses(p.sha)
		if last := all[len(all)-1].State; last != "success" || len(all) > 2 {
			s.t.Errorf("%s has %d statuses, the last one %s", p.sha, len(all), last)
		}
	}
	if state := s.read("state.yaml"); strings.Contains(state, "unreported:") {
		s.t.Errorf("statuses wait:\n%s", state)
	}
	if left, err := filepath.Glob(s.path("clones/work/*/*")); err != nil || len(left) > 0 {
		s.t.Errorf("left over: %v %v", left, err)
	}
}

// sample is how large the agent is at a moment.
type sample struct{ rss, threads, descriptors, files, state int } // rss in kB, state in bytes

func (m sample) String() string {
	return fmt.Sprintf("RSS %d kB, threads %d, descriptors %d, files below the repo dir %d, state %d bytes", m.rss, m.threads, m.descriptors, m.files, m.state)
}

func (s *soak) sample() (m sample) {
	s.t.Helper()
	proc := fmt.Sprintf("/proc/%d/", s.agent.cmd.Process.Pid)
	status, err := os.ReadFile(proc + "status")
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		switch name {
		case "VmRSS":
			m.rss = n
		case "Threads":
			m.threads = n
		}
	}
	open, err := os.ReadDir(proc + "fd")
	if err != nil {
		s.t.Fatal(err)
	}
	m.descriptors, m.state = len(open), len(s.read("state.yaml"))
	_ = filepath.WalkDir(s.path("clones"), func(_ string, _ fs.DirEntry, err error) error { // what goes meanwhile is not counted
		if err == nil {
			m.files++
		}
		return nil
	})
	return m
}

// grows fails the test where the last fifth of the samples lies above the
// second: the first fifth is the warming up.
func grows(t *testing.T, samples []sample) {
	t.Helper()
	fifth := len(samples) / 5
	if fifth < 2 {
		t.Fatalf("%d samples tell nothing", len(samples))
	}
	for what, of := range map[string]struct {
		get   func(sample) int
		slack int // beside a quarter
	}{
		"RSS in kB":                {func(m sample) int { return m.rss }, 8 << 10},
		"threads":                  {func(m sample) int { return m.threads }, 6},
		"descriptors":              {func(m sample) int { return m.descriptors }, 10},
		"files below the repo dir": {func(m sample) int { return m.files }, 300},
		"bytes of state":           {func(m sample) int { return m.state }, 4 << 10},
	} {
		before, after := median(samples[fifth:2*fifth], of.get), median(samples[len(samples)-fifth:], of.get)
		if after > before+before/4+of.slack {
			t.Errorf("%s grew from %d to %d", what, before, after)
		}
	}
}

func median(samples []sample, get func(sample) int) int {
	var all []int
	for _, m := range samples {
		all = append(all, get(m))
	}
	slices.Sort(all)
	return all[len(all)/2]
}
