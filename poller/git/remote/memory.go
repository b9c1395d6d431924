package remote

import (
	"sync"
	"time"

	"github.com/bittrance/kitops/poller/git/object"
)

// remembered is for how long what a server did is taken for its habit.
const remembered = time.Hour

// Memory is what was learned of how a remote answers over http, so that most
// conversations need not begin with a question about it. It is safe for
// concurrent use; the zero value knows nothing.
type Memory struct {
	mu     sync.Mutex
	until  time.Time
	listen bool   // it does not take requests of version 2 unasked
	base   string // where it redirects to; "": nowhere
	format object.Format

	told, filters bool // whether it takes filters, where it has told that
}

// habit is what is known now.
func (m *Memory) habit() (listen bool, base string, f object.Format) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if time.Now().After(m.until) {
		return false, "", object.SHA1
	}
	return m.listen, m.base, m.format
}

// filtering says whether the remote takes filters, if that is known.
func (m *Memory) filtering() (filters, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known = m.told && !time.Now().After(m.until)
	return m.filters && known, known
}

// learnFilters notes whether it does.
func (m *Memory) learnFilters(filters bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := time.Now(); now.After(m.until) {
		m.listen, m.base, m.format, m.until = false, "", object.SHA1, now.Add(remembered)
	}
	m.told, m.filters = true, filters
}

// learnFormat notes how a server of version 2 names objects. If that was not
// known, asking without knowing it is all that failed.
func (m *Memory) learnFormat(f object.Format) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.format != f {
		m.listen, m.format, m.until = false, f, time.Now().Add(remembered)
	}
}

func (m *Memory) learn(listen bool, base string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listen, m.base, m.until = listen, base, time.Now().Add(remembered)
}
