package lease

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/bittrance/kitops/poller/store"
)

// record is the document of the simulation: what its members do together.
type record struct {
	lease   Lease
	started []int     // runs
	applied []applied // in the order in which they were saved
}

type applied struct{ run, revision int }

func (r record) newest() int {
	if len(r.applied) == 0 {
		return 0
	}
	return r.applied[len(r.applied)-1].revision
}

// world is a store with one document, a remote with one head, and what truly
// happens. It lives in a synctest bubble, by turns of one goroutine at a time.
type world struct {
	seed   uint64
	mutant mutant
	begin  time.Time
	quiet  time.Time // no faults from then on

	mu      sync.Mutex
	docs    []record // all that was ever encoded
	now     string   // the document that stands; "" is none
	runs    int
	started map[int]bool // runs whose start stood in the document
	acting  map[int]*act // by their run
	told    []applied    // outcomes that members announced
	faults  []string
}

// act is an action that goes on.
type act struct {
	member int
	stop   chan struct{} // closed by who has its member's place
}

// fault notes what must not be. The caller has the lock.
func (w *world) fault(format string, args ...any) {
	w.faults = append(w.faults, fmt.Sprintf("%s: ", time.Since(w.begin))+fmt.Sprintf(format, args...))
}

// head is the newest revision of the remote.
func (w *world) head() int {
	return 1 + int(min(time.Since(w.begin), w.quiet.Sub(w.begin))/(40*time.Second))
}

// read is the document of a version. The caller has the lock.
func (w *world) read(version string) record {
	if version == "" {
		return record{}
	}
	n, _ := strconv.Atoi(version)
	return w.docs[n]
}

// swap replaces the document if it is still the expected one.
func (w *world) swap(data []byte, version string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if version != w.now {
		return "", store.ErrConflict
	}
	before, after := w.read(w.now), w.read(string(data))
	w.now = string(data)
	if after.lease.Fence < before.lease.Fence {
		w.fault("the fence went from %d to %d", before.lease.Fence, after.lease.Fence)
	}
	for _, run := range after.started {
		w.started[run] = true
	}
	for _, a := range after.applied[min(len(before.applied), len(after.applied)):] {
		if a.revision < before.newest() {
			w.fault("revision %d was applied after %d", a.revision, before.newest())
		}
		for _, b := range before.applied {
			if b.run == a.run {
				w.fault("run %d was recorded twice", a.run)
			}
		}
	}
	return w.now, nil
}

// encode keeps a record, and returns its name.
func (w *world) encode(r record) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.docs = append(w.docs, r)
	return []byte(strconv.Itoa(len(w.docs) - 1)), nil
}

func (w *world) begins(member, run int) *act {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.started[run] {
		w.fault("run %d acts, and its start was not saved", run)
	}
	for other, a := range w.acting {
		w.fault("member %d begins run %d while member %d is at run %d", member, run, a.member, other)
	}
	a := &act{member, make(chan struct{})}
	w.acting[run] = a
	return a
}

func (w *world) ends(run int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.acting, run)
}

// stop ends the actions of a member, as the next process in its place does.
func (w *world) stop(member int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for run, a := range w.acting {
		if a.member == member {
			close(a.stop)
			delete(w.acting, run)
		}
	}
}

// link is the way from one member to the store.
type link struct {
	w   *world
	m   *member
	rng *rand.Rand
}

// upTo is a random duration.
func (l *link) upTo(limit time.Duration) time.Duration {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	return time.Duration(l.rng.Int64N(int64(limit)))
}

var (
	errNoAnswer = errors.New("no answer")
	errBusy     = errors.New("503 SlowDown")
)

// wait is for a time, a time-out or the member's death.
func (l *link) wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	case <-l.m.dead:
		return errNoAnswer
	}
}

// resume waits until the member is not paused.
func (l *link) resume() error {
	for {
		l.w.mu.Lock()
		left := time.Until(l.m.paused)
		l.w.mu.Unlock()
		if l.m.isDead() {
			return errNoAnswer
		}
		if left <= 0 {
			return nil
		}
		select {
		case <-time.After(left + l.upTo(time.Millisecond)):
		case <-l.m.dead:
		}
	}
}

func (l *link) latency() time.Duration {
	d := l.upTo(60 * time.Millisecond)
	if l.faulty() && l.upTo(20) == 0 {
		d += l.upTo(6 * time.Second)
	}
	return d
}

func (l *link) faulty() bool { return time.Now().Before(l.w.quiet) }

// cut tells whether nothing gets through.
func (l *link) cut() bool {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	return time.Now().After(l.m.cutFrom) && time.Now().Before(l.m.cut)
}

func (l *link) Get(ctx context.Context, _ string) (store.Document, error) {
	l.w.mu.Lock()
	l.m.asked = time.Since(l.w.begin)
	l.w.mu.Unlock()
	if err := l.resume(); err != nil {
		return store.Document{}, err
	}
	if err := l.wait(ctx, l.latency()); err != nil {
		return store.Document{}, err
	}
	if l.cut() {
		return store.Document{}, errors.Join(errNoAnswer, l.wait(ctx, time.Hour))
	}
	// The clocks of its front ends differ, and tell whole seconds.
	now := time.Now().Add(l.upTo(600*time.Millisecond) - 300*time.Millisecond).Truncate(time.Second)
	if l.w.mutant == wallClock {
		now = time.Now().Add(l.m.skew)
	}
	l.w.mu.Lock()
	doc := store.Document{Data: []byte(l.w.now), Version: l.w.now, Now: now}
	l.w.mu.Unlock()
	err := errors.Join(l.wait(ctx, l.latency()), l.resume())
	if err == nil && doc.Version == "" {
		err = fs.ErrNotExist
	}
	return doc, err
}

func (l *link) Put(ctx context.Context, _ string, data []byte, version string) (string, error) {
	if err := l.resume(); err != nil {
		return "", err
	}
	fate := 100
	if l.faulty() {
		fate = int(l.upTo(100))
	}
	switch err := l.wait(ctx, l.latency()); {
	case err != nil && fate%2 == 0: // it arrives all the same
		time.AfterFunc(l.upTo(time.Second), func() { _, _ = l.w.swap(data, version) })
		return "", err
	case err != nil:
		return "", err
	case l.cut():
		return "", errors.Join(errNoAnswer, l.wait(ctx, time.Hour))
	}
	switch {
	case fate < 4: // lost on its way
		return "", errors.Join(errNoAnswer, l.wait(ctx, time.Hour))
	case fate < 8: // lost on its way back
		_, _ = l.w.swap(data, version)
		return "", errors.Join(errNoAnswer, l.wait(ctx, l.upTo(time.Hour)))
	case fate < 12: // it arrives later
		time.AfterFunc(l.upTo(90*time.Second), func() { _, _ = l.w.swap(data, version) })
		return "", errNoAnswer
	case fate < 14: // 409, and nothing was written
		return "", store.ErrConflict
	case fate < 17:
		return "", errBusy
	case fate < 19: // the call does not return for long, whatever its context says
		_, err := l.w.swap(data, version)
		time.Sleep(l.upTo(90 * time.Second))
		return version, errors.Join(errNoAnswer, err)
	}
	saved, err := l.w.swap(data, version)
	if fate < 22 && err == nil { // retried by a library: an own success seen as a conflict
		return "", store.ErrConflict
	}
	if fate >= 22 && fate < 30 { // the answer finds a process that is stopped, and when that goes on its network is gone
		l.m.stall(l.upTo(40*time.Second), l.upTo(2*time.Minute))
	}
	if late := errors.Join(l.wait(ctx, l.latency()), l.resume()); late != nil {
		return "", late
	}
	l.m.answered()
	return saved, err
}

func (l *link) List(context.Context, string) ([]string, error) { return nil, errors.ErrUnsupported }
