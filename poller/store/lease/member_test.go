package lease

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"
)

// mutant is a mistake that the simulation must find.
type mutant string

const (
	sound      mutant = ""
	noMargin   mutant = "no margin"
	wallClock  mutant = "wall clock"
	fenceReset mutant = "fence reset"
	noNonce    mutant = "no nonce"
	noStart    mutant = "no save before the start"
	fromAnswer mutant = "validity counted from the answer"
)

// member is one process of an instance. Its goroutines stop where they meet the
// world while it is paused, but for the guard of its action, which is a process of
// its own.
type member struct {
	w    *world
	n    int
	skew time.Duration
	dead chan struct{}
	in   *Instance
	link *link

	// Guarded by the world's lock.
	rng     *rand.Rand
	paused  time.Time // until then
	cutFrom time.Time
	cut     time.Time     // until then
	until   time.Duration // when the guard ends its action
	asked   time.Duration // the clock, when the document was last asked for
	behind  time.Duration // of a clock by which a mutant counts from the answer
	sent    string        // the last nonce
}

// upTo is a random duration.
func (m *member) upTo(limit time.Duration) time.Duration {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	return time.Duration(m.rng.Int64N(int64(limit)))
}

func newMember(w *world, n, life int, predecessors []string) *member {
	m := &member{w: w, n: n, rng: rand.New(rand.NewPCG(w.seed, uint64(1000*n+life))), dead: make(chan struct{})}
	m.skew = m.upTo(time.Hour) - 30*time.Minute
	m.link = &link{w, m, m.rng}
	terms, err := NewTerms(TTL, 8*time.Second)
	if err != nil {
		panic(err)
	}
	if w.mutant == noMargin {
		terms.Grace, terms.Slack = 0, -terms.Timeout
	}
	owner := Owner{Name: strconv.Itoa(n), ID: strconv.Itoa(n) + "/" + strconv.Itoa(life)}
	m.in = &Instance{Owner: owner, Predecessors: predecessors, Terms: terms, Clock: m.clock}
	return m
}

func (m *member) clock() time.Duration {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	return time.Since(m.w.begin) + time.Hour - m.behind
}

// answered moves the clock of a mutant so that what was counted from the request
// counts from the answer.
func (m *member) answered() {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	if m.w.mutant == fromAnswer {
		m.behind += time.Since(m.w.begin) - m.asked
	}
}

// stall pauses the member, and cuts it off afterwards.
func (m *member) stall(pause, cut time.Duration) {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	m.paused = m.w.before(pause)
	m.cutFrom, m.cut = m.paused, m.w.before(pause+cut)
}

func (m *member) isDead() bool {
	select {
	case <-m.dead:
		return true
	default:
		return false
	}
}

func (m *member) format() Format[record] {
	return Format[record]{
		Decode: func(data []byte, into *record) error {
			m.w.mu.Lock()
			defer m.w.mu.Unlock()
			*into = m.w.read(string(data))
			if m.w.mutant == noNonce && into.lease.Owner.ID == m.in.Owner.ID {
				into.lease.Nonce = m.sent // what is this owner's is what it has saved
			}
			return nil
		},
		Encode: func(r record) ([]byte, error) {
			m.w.mu.Lock()
			m.sent = r.lease.Nonce
			m.w.mu.Unlock()
			if m.w.mutant == fenceReset && r.lease.Expires.Before(time.Now().Add(time.Second)) {
				r.lease = Lease{} // given back
			}
			return m.w.encode(r)
		},
		Lease: func(r *record) *Lease { return &r.lease },
	}
}

// live looks for something to do until the member dies.
func (m *member) live(ctx context.Context) {
	doc := &Document[record]{Store: m.link, Key: "task", Format: m.format(), Hold: m.in.Hold("task")}
	for {
		rest := 2*time.Second + m.upTo(20*time.Second)
		if err := m.look(ctx, doc); err != nil {
			var held *HeldError
			var lied *LiedError
			if errors.As(err, &held) {
				rest = max(held.Left(), 0) + m.upTo(5*time.Second)
			}
			if errors.As(err, &lied) {
				m.w.mu.Lock()
				m.w.fault("member %d: %v", m.n, err)
				m.w.mu.Unlock()
				return
			}
		}
		if m.link.wait(ctx, rest) != nil || m.link.resume() != nil {
			return
		}
	}
}

func (m *member) look(ctx context.Context, doc *Document[record]) error {
	head := m.w.head()
	state, err := doc.Load(ctx)
	if err != nil || state.newest() >= head {
		return err
	}
	if err := doc.Held(); err != nil {
		return err
	}
	if err := doc.Acquire(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var keeping sync.WaitGroup
	beside := doc.Beside()
	beside.Store = &link{m.w, m, rand.New(rand.NewPCG(m.w.seed, m.rng.Uint64()))}
	keeping.Go(func() { _ = beside.Keep(ctx) }) // a run hears of it by its context
	defer keeping.Wait()
	defer cancel()
	err = m.run(ctx, doc)
	return errors.Join(err, doc.Release(ctx))
}

// run is the way of a revision under a lease.
func (m *member) run(ctx context.Context, doc *Document[record]) error {
	bound, stop := doc.Bound(ctx, func(until time.Duration) {
		m.w.mu.Lock()
		defer m.w.mu.Unlock()
		m.until = until
	})
	defer stop()
	head := m.w.head()
	if state, err := doc.Load(bound); err != nil || state.newest() >= head {
		return err
	}
	m.w.mu.Lock()
	m.w.runs++
	run := m.w.runs
	m.w.mu.Unlock()
	start := func(s record) record {
		if !slices.Contains(s.started, run) {
			s.started = append(slices.Clip(s.started), run)
		}
		return s
	}
	if m.w.mutant != noStart {
		if err := doc.Save(bound, start); err != nil {
			return err
		}
	}
	if !m.act(bound, run) {
		return nil
	}
	for {
		err := doc.Save(ctx, func(s record) record {
			if !slices.Contains(s.applied, applied{run, head}) { // else an earlier try has arrived
				s.applied = append(slices.Clip(s.applied), applied{run, head})
			}
			return s
		})
		var lost *LostError
		switch {
		case err == nil:
			m.w.mu.Lock()
			m.w.told = append(m.w.told, applied{run, head})
			m.w.mu.Unlock()
			return nil
		case errors.As(err, &lost):
			return err
		}
		if m.link.wait(ctx, time.Second) != nil || m.link.resume() != nil {
			return err
		}
	}
}

// act is an action, and tells whether it came to its own end. The guard ends it
// with the lease, also when its agent is paused or dead.
func (m *member) act(bound context.Context, run int) bool {
	if bound.Err() != nil {
		return false
	}
	a := m.w.begins(m.n, run)
	defer m.w.ends(run)
	select {
	case <-time.After(m.upTo(3 * time.Minute / (1 + m.upTo(6)))):
		m.w.ends(run)
		return m.link.resume() == nil
	case <-a.stop:
		return false
	case <-bound.Done():
	}
	longest := 8 * time.Second
	if m.isDead() {
		m.w.mu.Lock()
		longest += max(0, m.until-(time.Since(m.w.begin)+time.Hour-m.behind))
		m.w.mu.Unlock()
	}
	select {
	case <-time.After(m.upTo(longest)):
	case <-a.stop:
	}
	return false
}
