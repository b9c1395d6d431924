package wiring

import (
	"strconv"
	"time"
)

const (
	deletionsHeard = 1000          // at the same time
	deletionKept   = 2 * time.Hour // several listings: the first may be one of a GitHub that does not know yet
)

// deletions are the repositories, by their ids, that GitHub said to be deleted,
// and when. It is a hint: what is still listed is not deleted, or was restored.
type deletions map[string]time.Time

// hear notes what a delivery said at that time.
func (d deletions) hear(id int64, at time.Time) {
	for known, heard := range d {
		if time.Since(heard) > deletionKept {
			delete(d, known)
		}
	}
	if id != 0 && len(d) < deletionsHeard {
		d[strconv.FormatInt(id, 10)] = at
	}
}

// have tells whether a repository that is not listed any more was deleted, so
// that it will not return.
func (d deletions) have(identity string) bool {
	at, heard := d[identity]
	return heard && time.Since(at) <= deletionKept
}

// Deleted says that a repository was deleted. What tasks with patterns remember
// of it is forgotten, once a listing that is complete does not have it. A task
// with an address keeps its memory: whoever makes a repository of that name
// next may be somebody else.
func (c *Catalog) Deleted(id int64, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deleted.hear(id, at)
}
