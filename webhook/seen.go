package webhook

import "sync"

const (
	maxSeen = 10000
	maxGUID = 64 // bytes; GitHub's have 36
)

// Seen remembers the GUIDs of the latest deliveries that came by the endpoint or the relay, so that the delivery log need not
// be asked for their payloads. GUIDs are not signed: nothing else may depend on them. It may be used concurrently.
type Seen struct {
	mu    sync.Mutex
	known map[string]bool
	ring  []string
	next  int // in ring, the oldest
}

// NewSeen returns a Seen that knows nothing.
func NewSeen() *Seen { return &Seen{known: map[string]bool{}} }

// Add remembers a GUID, at the price of the oldest.
func (s *Seen) Add(guid string) {
	if guid == "" || len(guid) > maxGUID {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known[guid] {
		return
	}
	s.known[guid] = true
	if len(s.ring) < maxSeen {
		s.ring = append(s.ring, guid)
		return
	}
	delete(s.known, s.ring[s.next])
	s.ring[s.next] = guid
	s.next = (s.next + 1) % maxSeen
}

// Has tells whether a GUID is remembered.
func (s *Seen) Has(guid string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[guid]
}
