package page

import (
	"context"
	"errors"
	"sync"
)

const (
	maxStreams        = 2000
	maxSessionStreams = 50
	chunk             = 64 << 10
)

// errStreams says that there are too many.
var errStreams = errors.New("too many streams are open: close some tabs")

// streams counts what is being followed.
type streams struct {
	mu  sync.Mutex
	all map[string]map[*context.CancelFunc]bool // by session
	n   int
}

func newStreams() *streams { return &streams{all: map[string]map[*context.CancelFunc]bool{}} }

// open counts one more stream of a session, which ends with that, until done.
func (s *streams) open(ctx context.Context, session string) (_ context.Context, done func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n >= maxStreams || len(s.all[session]) >= maxSessionStreams {
		return nil, nil, errStreams
	}
	ctx, cancel := context.WithCancel(ctx)
	if s.all[session] == nil {
		s.all[session] = map[*context.CancelFunc]bool{}
	}
	s.all[session][&cancel] = true
	s.n++
	return ctx, func() {
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.n--
		delete(s.all[session], &cancel)
		if len(s.all[session]) == 0 {
			delete(s.all, session)
		}
	}, nil
}

// end ends those of a session.
func (s *streams) end(session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for cancel := range s.all[session] {
		(*cancel)()
	}
}

func (s *streams) endAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.all {
		for cancel := range one {
			(*cancel)()
		}
	}
}

// buffers are lent to viewers while they have something to read: most have not.
type buffers struct{ pool sync.Pool }

func newBuffers() *buffers {
	return &buffers{sync.Pool{New: func() any { b := make([]byte, chunk); return &b }}}
}

func (b *buffers) with(f func(buf []byte)) {
	buf := b.pool.Get().(*[]byte)
	defer b.pool.Put(buf)
	f(*buf)
}

// flashes are what is said once, with the next page of a session.
type flashes struct {
	mu  sync.Mutex
	all map[string]string
}

func newFlashes() *flashes { return &flashes{all: map[string]string{}} }

func (f *flashes) say(session, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.all) > maxSessions {
		clear(f.all)
	}
	f.all[session] = text
}

func (f *flashes) take(session string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := f.all[session]
	delete(f.all, session)
	return text
}
