package runners

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"sync"
	"time"
)

const (
	lookPace   = 5   // seconds between two looks at what the others say
	busyPace   = 2   // the same while there are jobs
	sayPace    = 60  // seconds after which a member says again what it has said, should that be lost
	buryPace   = 30  // between two tries to remove the registrations of members that are gone
	lostRunner = 120 // until a job is believed to have no runner, whose registration is gone
)

// Sharing has members have one scale set together. One of them listens, by a lease, and publishes how many runners each
// shall have; each makes its own. Nothing of that is secret. All funcs are called by several goroutines.
type Sharing struct {
	Member string // this one
	Start  string // of this member: another one each time
	// Look reads what is published, and who has the lease; "": nobody.
	Look func(context.Context) (published Listening, listener string, err error)
	// Lead takes the lease, and calls f with a context that ends with that. That another has it is no error.
	Lead func(ctx context.Context, f func(context.Context, Keeper[Listening])) error
	// Members is what each says of itself, by name.
	Members func(context.Context) (map[string]Registered, error)
	Alive   func(member, start string) bool
	// Of keeps what a member says. Nothing is kept of one that has nothing to say.
	Of func(member string) Keeper[Registered]
}

// member is this one among those that share the scale set.
type member struct {
	*Sharing
	o       *Options
	service *service
	pool    *pool
	wake    chan struct{} // of one

	said   Registered // by this one
	saidAt time.Time
	leads  sync.WaitGroup

	surveying sync.Mutex
	buriedAt  time.Time

	mu       sync.Mutex
	listener *listener // while this one leads
	by       string    // who listens
	closed   bool      // it leads no more
	all      map[string]Registered
	live     map[string]Registered
	told     string // the trouble that there is
}

func newMember(o *Options, s *service, p *pool) *member {
	m := &member{Sharing: o.Sharing, o: o, service: s, pool: p, wake: make(chan struct{}, 1)}
	p.polling(m.poke)
	return m
}

func (m *member) poke() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// attend follows what is published, and leads when nobody does, until ctx is done. When the set ends it only follows.
func (m *member) attend(set, ctx context.Context) {
	for ctx.Err() == nil {
		pace := lookPace
		m.pool.guarded(func() { pace = m.turn(set, ctx) })()
		timer := time.NewTimer(m.o.seconds(float64(pace)))
		select {
		case <-timer.C:
		case <-m.wake:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

func (m *member) turn(set, ctx context.Context) (pace int) {
	err := m.say(ctx, set.Err() != nil)
	defer func() { m.tell(err) }()
	if l := m.leading(); l != nil {
		err = errors.Join(err, m.survey(ctx, l))
		return lookPace
	}
	published, by, unread := m.Look(ctx)
	if err = errors.Join(err, unread); unread != nil {
		return lookPace
	}
	m.mu.Lock()
	m.by = by
	m.mu.Unlock()
	m.pool.follow(published, m.Member)
	if by == "" {
		m.lead(set)
	}
	if len(published.Jobs) > 0 {
		return busyPace
	}
	return lookPace
}

func (m *member) leading() *listener {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.listener
}

// lead has this member listen, if no other is faster.
func (m *member) lead(set context.Context) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || m.listener != nil || set.Err() != nil {
		return
	}
	l := &listener{o: m.o, service: m.service, pool: m.pool, member: m}
	m.listener = l
	m.leads.Go(m.pool.guarded(func() {
		led := false
		defer func() {
			m.mu.Lock()
			m.listener = nil
			m.mu.Unlock()
			if led {
				m.poke()
			}
		}()
		err := m.Lead(set, func(ctx context.Context, published Keeper[Listening]) {
			led = true
			m.o.Log.Info("this instance listens for the jobs of all")
			m.tell(m.survey(ctx, l))
			l.kept = published
			l.run(ctx)
		})
		if err != nil {
			m.tell(err)
		}
	}))
}

// stop returns when this member does not lead any more.
func (m *member) stop() {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.leads.Wait()
}

// say says what this member can have now, where that has changed.
func (m *member) say(ctx context.Context, ending bool) error {
	now := Registered{Prefix: m.o.Prefix, Start: m.Start, Capacity: m.pool.capacity()}
	if ending {
		now.Capacity = 0
	}
	if now.Capacity == m.said.Capacity && m.said.Start != "" && time.Since(m.saidAt) < m.o.seconds(sayPace) {
		return nil
	}
	err := m.o.Registered.Change(ctx, func(r Registered) Registered {
		r.Prefix, r.Start, r.Capacity = now.Prefix, now.Start, now.Capacity
		return r
	})
	if err == nil {
		m.said, m.saidAt = now, time.Now()
	}
	return err
}

// leave takes back what this member has said. Jobs that are meant for it wait until the others know.
func (m *member) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, parting)
	defer cancel()
	for {
		err := m.o.Registered.Change(ctx, func(r Registered) Registered { return Registered{Runners: r.Runners} })
		if err == nil {
			return
		}
		if !wait(ctx, m.o.seconds(1)) {
			m.o.Log.Warn("runners: the others are not told that this instance has ended", "err", err)
			return
		}
	}
}

// survey learns what the members say, has the listener tell GitHub of another capacity, and removes what the dead have left.
func (m *member) survey(ctx context.Context, l *listener) error {
	m.surveying.Lock()
	defer m.surveying.Unlock()
	all, err := m.Members(ctx)
	if err != nil {
		return err
	}
	live := map[string]Registered{}
	for name, of := range all {
		if of.Prefix != "" && m.Alive(name, of.Start) {
			live[name] = of
		}
	}
	m.mu.Lock()
	turned := !maps.EqualFunc(live, m.live, func(a, b Registered) bool { return a.Prefix == b.Prefix && a.Capacity == b.Capacity })
	m.all, m.live = all, live
	m.mu.Unlock()
	if turned {
		l.repoll()
	} else if time.Since(m.buriedAt) < m.o.seconds(buryPace) {
		return nil
	}
	m.buriedAt = time.Now()
	for name, of := range all {
		if name != m.Member && !m.Alive(name, of.Start) {
			m.bury(ctx, name, of)
		}
	}
	return nil
}

// bury removes the registrations of a member that is gone. That of a runner with a job stays until GitHub lets it go. The
// member itself ends the processes, when it is started again.
func (m *member) bury(ctx context.Context, name string, of Registered) {
	removed := map[string]bool{}
	for _, r := range of.Runners {
		if r.Removed {
			continue
		}
		if _, err := m.service.dismiss(ctx, r); err == nil {
			removed[r.Name] = true
		}
	}
	now := time.Now()
	next := of.buried(of, removed, now)
	if reflect.DeepEqual(next, of) {
		return
	}
	if len(removed) > 0 {
		m.o.Log.Info("the registrations of an instance that is gone are removed", "instance", name, "runners", len(removed))
	}
	if err := m.Of(name).Change(ctx, func(r Registered) Registered { return r.buried(of, removed, now) }); err != nil {
		m.o.Log.Warn("runners: not saved that registrations are removed", "instance", name, "err", err)
	}
}

// allotment is by what is known of the members now.
func (m *member) allotment() allotment {
	m.mu.Lock()
	defer m.mu.Unlock()
	return allotment{own: m.Member, live: m.live, all: m.all}
}

// tell says once what is wrong, and that it is over.
func (m *member) tell(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case text != "" && m.told == "":
		m.o.Log.Warn("runners: the store does not answer, so what it said last holds", "err", text)
	case text == "" && m.told != "":
		m.o.Log.Info("runners: the store answers again")
	}
	m.told = text
}

// whose tells who listens, and what is wrong.
func (m *member) whose() (by, trouble string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.listener != nil {
		return m.Member, m.told
	}
	return m.by, m.told
}
