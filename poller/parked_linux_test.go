package poller

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/git/gittest"
)

const parkedFiles = 800 // so many that most are older than the record of them

// parkade is an agent whose runs move what they may, on a real repository.
type parkade struct {
	*bench
	repo  *gittest.Repo
	place string
	count int
	run   string // the command line of the action
}

// Where workdirs are: on a disk for tests of what is moved, as in memory all files are written within one tick of the clock, and
// moved is only what is older than their record. Both are where other users get through.
const (
	onDisk   = "/var/tmp"
	inMemory = "" // where there is some
)

func newParkade(t *testing.T, repo *gittest.Repo, where string) *parkade {
	t.Helper()
	place, err := os.MkdirTemp(where, "kitops-test-*") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(place) })
	k := &parkade{repo: repo, place: place}
	if err := errors.Join(os.Chmod(place, 0o755), os.Mkdir(filepath.Join(place, "repos"), 0o711),
		os.Mkdir(filepath.Join(place, "out"), 0o700), os.Chmod(filepath.Join(place, "out"), 0o1777)); err != nil {
		t.Fatal(err)
	}
	k.restart(t)
	return k
}

// manyFiles is the repository.
func manyFiles(t *testing.T) *gittest.Repo {
	t.Helper()
	repo, files := gittest.New(t), map[string]string{}
	for i := range parkedFiles {
		files[fmt.Sprintf("d%d/f%d", i/100, i)] = strconv.Itoa(i)
	}
	repo.Commit(files)
	return repo
}

// restart is another agent with the same state and repo dir.
func (k *parkade) restart(t *testing.T) {
	t.Helper()
	last := k.bench
	k.bench = newBench(t)
	if last != nil {
		k.Store, k.Parks = last.Store, last.Parks
	}
	k.RepoDir, k.KeepWorkdirs, k.Processes = filepath.Join(k.place, "repos"), 1<<30, &actions.Processes{}
	k.Environ = os.Environ()
	if os.Geteuid() == 0 {
		k.User = &actions.User{Name: "builder", UID: 12345, GID: 12345, Home: "/", Shell: "/bin/sh"}
	}
	url, err := git.ParseURL(k.repo.Dir)
	if err != nil {
		t.Fatal(err)
	}
	m := &git.Mirror{URL: url, Dir: filepath.Join(k.place, "mirror")}
	k.Set([]Task{{
		Name: "deploy", URL: k.repo.Dir, Refs: git.Patterns{"refs/heads/main"}, RunNew: true, Interval: time.Minute, Timeout: 10 * time.Second, Digest: "1",
		Heads: m.Heads,
		Checkout: func(ctx context.Context, rev git.Revision, dir string) error {
			return m.Checkout(ctx, rev, dir, k.options())
		},
		Prepare: func(ctx context.Context, rev git.Revision, dir string, hurry <-chan struct{}) error {
			return m.Prepare(ctx, rev, dir, k.options(), hurry)
		},
		Plan: func(context.Context, string, git.Revision) (Plan, error) {
			return Plan{Actions: []actions.Action{{Name: "act", Entrypoint: "/bin/sh", Args: []string{"-c", k.run}}}}, nil
		},
	}})
}

func (k *parkade) options() git.Options {
	o := git.Options{Park: true}
	if k.User != nil {
		o.Owner = &git.Owner{UID: k.User.UID, GID: k.User.GID}
	}
	return o
}

// next has an agent of its own run a new revision, and returns how many files it moved. A file that is made anew may have
// the inode of one that was removed, but not its time.
func (k *parkade) next(t *testing.T, command string) (moved int) {
	t.Helper()
	was := k.inodes(t)
	k.count++
	k.repo.Commit(map[string]string{"count": k.place + strconv.Itoa(k.count)})
	k.run = "find . -type f -name 'f*' -printf '%i-%T@ %p\n' >" + k.place + "/out/inodes; " + command
	k.restartIfRan(t)
	_ = k.Once(t.Context(), true) // some are to fail
	now := k.inodes(t)
	if len(now) != parkedFiles {
		t.Fatalf("%d files in the workdir: %+v", len(now), k.state(t, "deploy").Refs["refs/heads/main"].Run)
	}
	for name, inode := range now {
		if was[name] == inode {
			moved++
		}
	}
	return moved
}

func (k *parkade) restartIfRan(t *testing.T) {
	t.Helper()
	if k.count > 1 {
		limit, user := k.KeepWorkdirs, k.User
		k.restart(t)
		k.KeepWorkdirs, k.User = limit, user
	}
}

func (k *parkade) inodes(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	text, err := os.ReadFile(filepath.Join(k.place, "out", "inodes"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		inode, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		all[name] = inode
	}
	return all
}

// change changes what the memory knows of the parked workdir.
func (k *parkade) change(t *testing.T, how func(*Parked)) {
	t.Helper()
	m := newMemory(k.Store, "deploy")
	if _, err := m.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Save(t.Context(), func(s State) State {
		return s.with("refs/heads/main", func(r *RefState) {
			if r.Parked == nil {
				t.Fatal("nothing is parked")
			}
			changed := *r.Parked
			how(&changed)
			r.Parked = &changed
		})
	}); err != nil {
		t.Fatal(err)
	}
}

// changed makes a step between runs of a change.
func changed(how func(*Parked)) func(*testing.T, *parkade) {
	return func(t *testing.T, k *parkade) { t.Helper(); k.change(t, how) }
}

func TestWorkdirsAreMovedFromRunToRun(t *testing.T) {
	k := newParkade(t, manyFiles(t), onDisk)
	k.next(t, "true")
	for _, command := range []string{"true", "exit 1", "touch added d0/f1; echo changed >d0/f2", "true"} { // each by an agent of its own
		if moved := k.next(t, command); moved < parkedFiles/2 {
			t.Errorf("before %q %d files were moved", command, moved)
		}
	}
	if left := entries(t, filepath.Join(k.RepoDir, WorkDir)); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if parked := entries(t, filepath.Join(k.RepoDir, ParkDir)); len(parked) != 1 {
		t.Errorf("parked: %v", parked)
	}
	k.restart(t)
	k.KeepWorkdirs = 0 // off
	_ = k.Once(t.Context(), true)
	if parked := entries(t, filepath.Join(k.RepoDir, ParkDir)); len(parked) != 0 {
		t.Errorf("parked though it is off: %v", parked)
	}
}

// What was not moved would tell one run of another, beside the workdir.
func TestTheRestOfAParkedWorkdirIsOutOfReach(t *testing.T) {
	k := newParkade(t, manyFiles(t), onDisk)
	k.next(t, "touch artefact")
	if moved := k.next(t, `ls -d "$PWD".parked "$PWD".parked.index >`+k.place+`/out/seen 2>/dev/null; true`); moved == 0 {
		t.Error("nothing was moved")
	}
	if seen, err := os.ReadFile(filepath.Join(k.place, "out", "seen")); err != nil || len(seen) > 0 {
		t.Errorf("an action sees %q, %v", seen, err)
	}
}

func TestWorkdirsThatMayStillChangeAreThrownAway(t *testing.T) {
	repo := manyFiles(t)
	parked := func(k *parkade) string {
		folders, _ := filepath.Glob(filepath.Join(k.RepoDir, ParkDir, "*", parkedTree))
		return strings.Join(folders, "")
	}
	short := []string{"a process without a mark is left", "another boot", "something is mounted in it", "a file is open to be written"}
	for name, c := range map[string]struct {
		command string                         // of the run before
		then    func(t *testing.T, k *parkade) // between the runs
		before  func(t *testing.T, k *parkade) // before the first
		after   func(t *testing.T, pid int)    // with the number that the command wrote
	}{
		"a process is left":                {command: "sleep 60 >/dev/null 2>&1 & echo $! >$PLACE/out/pid", after: end},
		"a process is left in a session":   {command: "setsid sleep 60 >/dev/null 2>&1 & echo $! >$PLACE/out/pid", after: end},
		"a process without a mark is left": {command: "env -i sleep 60 >/dev/null 2>&1 & echo $! >$PLACE/out/pid", after: end},
		"the run was stopped":              {command: "sleep 60", before: func(_ *testing.T, k *parkade) { k.task0().Timeout = 10 * time.Second }},
		"the action is root":               {before: func(_ *testing.T, k *parkade) { k.User = &actions.User{Name: "root", Home: "/", Shell: "/bin/sh"} }},
		"another boot":                     {then: changed(func(p *Parked) { p.Since.Boot = "x" })},
		"the clock was set":                {then: changed(func(p *Parked) { p.Since.Clock += 2 * time.Second })},
		"the clock was set back":           {then: changed(func(p *Parked) { p.Since.Clock -= 2 * time.Second })},
		"too old":                          {then: changed(func(p *Parked) { p.At = p.At.Add(-25 * time.Hour) })},
		"of the future":                    {then: changed(func(p *Parked) { p.At = p.At.Add(time.Hour) })},
		"too large":                        {before: func(_ *testing.T, k *parkade) { k.KeepWorkdirs = 1 << 10 }},
		"too large together":               {then: func(_ *testing.T, k *parkade) { k.KeepWorkdirs = 1 << 10 }},
		"the memory is lost":               {then: func(_ *testing.T, k *parkade) { k.Store = newBench(t).Store }},
		"the record is another":            {then: func(t *testing.T, k *parkade) { t.Helper(); rewrite(t, git.RecordPath(parked(k))) }},
		"the workdir is a link":            {then: func(t *testing.T, k *parkade) { t.Helper(); relink(t, parked(k)) }},
		"something is mounted in it":       {then: func(t *testing.T, k *parkade) { t.Helper(); mountIn(t, parked(k)) }},
		"a file is mounted elsewhere":      {then: func(t *testing.T, k *parkade) { t.Helper(); mountElsewhere(t, k, parked(k)) }},
		"a file is open to be written":     {then: func(t *testing.T, k *parkade) { t.Helper(); holdAll(t, parked(k)) }},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && !slices.Contains(short, name) {
				t.Skip("long")
			}
			if os.Geteuid() != 0 && (strings.Contains(name, "root") || strings.Contains(name, "mount")) {
				return
			}
			k := newParkade(t, repo, inMemory)
			if c.before != nil {
				c.before(t, k)
			}
			k.next(t, strings.ReplaceAll(c.command, "$PLACE", k.place)+"\n")
			if c.after != nil {
				text, err := os.ReadFile(filepath.Join(k.place, "out", "pid"))
				pid, bad := strconv.Atoi(strings.TrimSpace(string(text)))
				if err := errors.Join(err, bad); err != nil {
					t.Fatal(err)
				}
				defer c.after(t, pid)
			}
			if c.then != nil {
				c.then(t, k)
			}
			if moved := k.next(t, "true"); moved > 0 {
				t.Errorf("%d files were moved", moved)
			}
		})
	}
}

// task0 is the only task.
func (k *parkade) task0() *Task { return &k.tasks[0] }
