package metrics

import "time"

// maxAnnounced bounds the revisions that are remembered, and the tasks of each.
const maxAnnounced = 1024

// announcements are when deliveries told of revisions, the latest of them.
type announcements struct {
	known map[string]*announcement // by SHA
	ring  []string
	next  int // in ring, the oldest
}

type announcement struct {
	at      time.Time
	counted map[string]bool // tasks
}

// add notes the first word of a revision.
func (a *announcements) add(sha string, at time.Time) {
	if a.known == nil {
		a.known = map[string]*announcement{}
	}
	if a.known[sha] != nil {
		return
	}
	if len(a.ring) < maxAnnounced {
		a.ring = append(a.ring, sha)
	} else {
		delete(a.known, a.ring[a.next])
		a.ring[a.next] = sha
		a.next = (a.next + 1) % maxAnnounced
	}
	a.known[sha] = &announcement{at: at}
}

// firstOf is when a revision was announced, once for each task.
func (a *announcements) firstOf(sha, task string) (at time.Time, told bool) {
	known := a.known[sha]
	if known == nil || known.counted[task] || len(known.counted) >= maxAnnounced {
		return time.Time{}, false
	}
	if known.counted == nil {
		known.counted = map[string]bool{}
	}
	known.counted[task] = true
	return known.at, true
}
