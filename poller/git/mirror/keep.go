package mirror

import (
	"slices"
	"strings"

	"github.com/bittrance/kitops/poller/git/object"
)

const (
	keptPrefix = "refs/kitops/kept/"
	maxKept    = 16 // revisions whose ref has gone on
)

// Keep has a revision stay that is held, though its ref goes on. The ones that were kept last stay.
func (b *Bare) Keep(id object.ID) error {
	at := slices.IndexFunc(b.Held, func(h Held) bool { return h.ID == id })
	name := keptPrefix + id.String()
	if at < 0 || slices.ContainsFunc(b.Held, func(h Held) bool { return h.Ref == name }) {
		return nil
	}
	b.Held = slices.Insert(b.Held, at+1, Held{name, id, b.Held[at].Commit})
	kept := 0
	b.Held = slices.DeleteFunc(b.Held, func(h Held) bool {
		if strings.HasPrefix(h.Ref, keptPrefix) {
			kept++
		}
		return kept > maxKept && strings.HasPrefix(h.Ref, keptPrefix)
	})
	b.Held = b.Held[:min(len(b.Held), maxHeld)]
	return b.saveRefs()
}
