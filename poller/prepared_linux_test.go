package poller

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/git/gittest"
)

// prepare is what a task has.
type prepare func(ctx context.Context, rev git.Revision, dir string, hurry <-chan struct{}) error

// readiness is an agent that goes on from run to run, and what becomes of the preparations between them.
type readiness struct {
	*parkade
	prepared chan error
	ran      chan Run
	stop     func()
	used     int // checkouts into what was prepared
}

// getReady starts it; it prepares by what instead makes of the right thing.
func getReady(t *testing.T, repo *gittest.Repo, where string, instead func(prepare) prepare) *readiness {
	t.Helper()
	r := &readiness{parkade: newParkade(t, repo, where), prepared: make(chan error, 8), ran: make(chan Run, 8)}
	task := r.task0()
	prepare := instead(task.Prepare)
	task.Interval = time.Hour
	task.Prepare = func(ctx context.Context, rev git.Revision, dir string, hurry <-chan struct{}) error {
		err := prepare(ctx, rev, dir, hurry)
		r.prepared <- err
		return err
	}
	checkout := task.Checkout
	task.Checkout = func(ctx context.Context, rev git.Revision, dir string) error {
		if exists(git.RecordPath(dir)) {
			r.used++
		}
		return checkout(ctx, rev, dir)
	}
	r.Observers = append(r.Observers, func(e Event) {
		if e.Kind == Finished {
			r.ran <- e.Run
		}
	})
	r.run = "find . -type f -name 'f*' -printf '%i-%T@ %p\n' >" + r.place + "/out/inodes; ls >" + r.place + "/out/names; cat d1/f101 >" + r.place + "/out/text; echo evil >d1/f101; touch evil"
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	return r
}

func rightly(right prepare) prepare { return right }

// again has the agent run a new revision, and returns how many files of the run before it had.
func (r *readiness) again(t *testing.T) (moved int) {
	t.Helper()
	was := r.inodes(t)
	if r.count++; r.count > 1 {
		r.repo.Commit(map[string]string{"count": r.place + strconv.Itoa(r.count)})
		r.Poller.mu.Lock()
		r.watches["deploy"].poke()
		r.Poller.mu.Unlock()
	}
	if run := <-r.ran; run.Outcome != Success {
		t.Fatalf("%+v", run)
	}
	now := r.inodes(t)
	for name, inode := range now {
		if was[name] == inode {
			moved++
		}
	}
	if len(now) != parkedFiles {
		t.Errorf("%d files", len(now))
	}
	text, err := os.ReadFile(filepath.Join(r.place, "out", "text"))
	names, bad := os.ReadFile(filepath.Join(r.place, "out", "names"))
	if err := errors.Join(err, bad); err != nil || string(text) != "101" || strings.Contains(string(names), "evil") {
		t.Errorf("from the run before: %q, %q, %v", text, names, err)
	}
	return moved
}

func (r *readiness) folder() string {
	return r.parkDir("deploy", r.repo.Dir, "refs/heads/main")
}

func TestWorkdirsAreReadyForTheNextRun(t *testing.T) {
	r := getReady(t, manyFiles(t), onDisk, rightly)
	r.again(t)
	for i := range 3 {
		if err := <-r.prepared; err != nil {
			t.Fatal(err)
		}
		for _, dir := range []string{filepath.Join(r.RepoDir, ParkDir), r.folder()} { // which keep the user of the actions out
			if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("%s: %v, %v", dir, info.Mode(), err)
			}
		}
		if moved := r.again(t); moved < parkedFiles/2 || r.used != i+1 {
			t.Errorf("%d files were moved, %d times ready", moved, r.used)
		}
	}
	if err := <-r.prepared; err != nil {
		t.Error(err)
	}
	r.stop()
	if left := entries(t, filepath.Join(r.RepoDir, WorkDir)); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if moved := r.next(t, "true"); moved < parkedFiles/2 { // by another agent
		t.Errorf("after a restart %d files were moved", moved)
	}
}

// Who comes in the middle has the rest be done without delay.
func TestARunThatComesHurriesThePreparation(t *testing.T) {
	hurried := make(chan struct{}, 8)
	r := getReady(t, manyFiles(t), onDisk, func(right prepare) prepare {
		return func(ctx context.Context, rev git.Revision, dir string, hurry <-chan struct{}) error {
			select {
			case <-hurry:
				hurried <- struct{}{}
			case <-ctx.Done():
			}
			return right(ctx, rev, dir, hurry)
		}
	})
	r.again(t)
	moved := r.again(t)
	select {
	case <-hurried: // and it was ready
		if r.used != 1 {
			t.Error("it was not used")
		}
	default: // it had not begun: the run has moved the files itself
	}
	if moved < parkedFiles/2 {
		t.Errorf("%d files were moved", moved)
	}
	r.stop()
}

func TestPreparationsThatFailCostTimeOnly(t *testing.T) {
	repo := manyFiles(t)
	for name, fail := range map[string]func(dir string) error{
		"at once": func(string) error { return errors.New("of a test") },
		"in the midst": func(dir string) error {
			return errors.Join(os.MkdirAll(filepath.Join(dir, "evil"), 0o755), errors.New("of a test"))
		},
		"by a bug": func(string) error { panic("of a test") },
	} {
		t.Run(name, func(t *testing.T) {
			begun := make(chan struct{}, 8)
			r := getReady(t, repo, inMemory, func(prepare) prepare {
				return func(_ context.Context, _ git.Revision, dir string, _ <-chan struct{}) error {
					begun <- struct{}{}
					return fail(dir)
				}
			})
			r.again(t)
			<-begun
			if moved := r.again(t); moved > 0 || r.used > 0 {
				t.Errorf("%d files were moved", moved)
			}
			r.stop()
		})
	}
}

// What is not needed any more is given up in the midst, and nothing of it stays.
func TestPreparationsAreGivenUp(t *testing.T) {
	begun := make(chan struct{})
	r := getReady(t, manyFiles(t), inMemory, func(right prepare) prepare {
		return func(ctx context.Context, rev git.Revision, dir string, hurry <-chan struct{}) error {
			close(begun)
			<-ctx.Done()
			return right(ctx, rev, dir, hurry)
		}
	})
	r.again(t)
	<-begun
	if !r.evict(r.parks.beyond(0)) {
		t.Error("there was nothing to give up")
	}
	if err := <-r.prepared; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if exists(r.folder()) {
		t.Error("it is still there")
	}
	r.stop()
	if left := entries(t, filepath.Join(r.RepoDir, WorkDir)); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestPreparedWorkdirsMayBeThrownAway(t *testing.T) {
	repo := manyFiles(t)
	ready := func(r *readiness) string { return filepath.Join(r.folder(), preparedTree) }
	for name, then := range map[string]func(t *testing.T, r *readiness){
		"another boot":            func(t *testing.T, r *readiness) { t.Helper(); r.change(t, func(p *Parked) { p.Since.Boot = "x" }) },
		"the record is another":   func(t *testing.T, r *readiness) { t.Helper(); rewrite(t, git.RecordPath(ready(r))) },
		"the directory is a link": func(t *testing.T, r *readiness) { t.Helper(); relink(t, ready(r)) },
	} {
		t.Run(name, func(t *testing.T) {
			r := getReady(t, repo, inMemory, rightly)
			r.again(t)
			if err := <-r.prepared; err != nil {
				t.Fatal(err)
			}
			r.stop()
			then(t, r)
			if moved := r.next(t, "true"); moved > 0 {
				t.Errorf("%d files were moved", moved)
			}
		})
	}
}
