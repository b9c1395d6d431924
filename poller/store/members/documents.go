package members

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/bucket"
)

// atOnce is how many requests a member has under way at most.
const atOnce = 8

// Documents are those of the tasks, as they are in the store, with what was last
// read of each. It is a [store.Store] that asks the store for each Get and Put; it may be
// used concurrently.
type Documents struct {
	shared *bucket.Store // those that all members have in common; a folder in it has those of one task, by member
	name   string        // of this member
	clock  func() time.Duration

	mu      sync.Mutex
	each    map[string]bool   // tasks of which this member has a document of its own
	known   map[string]read   // by key
	others  map[Own]read      // documents of other members' own
	damaged map[string]string // versions that do not read, by key
	now     time.Time         // the store's, at the mark
	mark    time.Duration
	changed map[string]bool // keys of documents that somebody else has changed, and nobody was told of
	signal  chan struct{}   // of one
}

// Own is a document that a member has of a task for itself.
type Own struct{ Task, Member string }

// read is what a document was when somebody asked.
type read struct {
	data    []byte
	version string
	at      time.Duration // when it was certainly so
}

// NewDocuments asks nothing yet.
func NewDocuments(shared *bucket.Store, name string, clock func() time.Duration) *Documents {
	return &Documents{
		shared: shared, name: name, clock: clock, signal: make(chan struct{}, 1),
		each: map[string]bool{}, known: map[string]read{}, others: map[Own]read{}, changed: map[string]bool{},
		damaged: map[string]string{},
	}
}

// SetEach says of which tasks this member has documents of its own.
func (d *Documents) SetEach(tasks map[string]bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key := range d.known {
		if d.each[key] != tasks[key] {
			delete(d.known, key)
		}
	}
	d.each = tasks
}

// List implements [store.Store].
func (d *Documents) List(ctx context.Context, prefix string) ([]string, error) {
	d.mu.Lock()
	each := len(d.each) > 0
	d.mu.Unlock()
	if !each {
		return d.shared.List(ctx, prefix)
	}
	all, _, err := d.shared.All(ctx)
	if err != nil {
		return nil, err
	}
	var keys []string
	for key := range d.versions(all) {
		if len(key) >= len(prefix) && key[:len(prefix)] == prefix {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

// versions are those of this member's documents, by key.
func (d *Documents) versions(all []bucket.Found) map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	versions := map[string]string{}
	for _, found := range all {
		switch {
		case found.Version == "":
		case len(found.Folder) == 0 && !d.each[found.Key]:
			versions[found.Key] = found.Version
		case len(found.Folder) == 1 && found.Key == d.name && d.each[found.Folder[0]]:
			versions[found.Folder[0]] = found.Version
		}
	}
	return versions
}

// note keeps what was read or written, unless something later is known, or the document is not the task's any more.
func (d *Documents) note(key string, own bool, r read, asked bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old, known := d.known[key]
	if own != d.each[key] || known && old.at > r.at {
		return
	}
	d.known[key] = r
	if asked && old.version != r.version {
		d.changed[key] = true
		d.wake()
	}
}

// wake has who waits for changes look. The caller holds d.mu.
func (d *Documents) wake() {
	select {
	case d.signal <- struct{}{}:
	default:
	}
}

// Seen is a document as it was read last, with the time that the store has now; false
// where nothing is known of it. Its data must not be changed.
func (d *Documents) Seen(key string) (store.Document, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r, known := d.known[key]
	if !known || d.now.IsZero() {
		return store.Document{}, false
	}
	return store.Document{Data: r.data, Version: r.version, Now: d.now.Add(d.clock() - d.mark)}, true
}

// Keys are those of all documents that are known, sorted.
func (d *Documents) Keys() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var keys []string
	for key, r := range d.known {
		if r.version != "" {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// Others are the documents that other members have of a task for themselves, by member.
func (d *Documents) Others(task string) map[string][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := map[string][]byte{}
	for own, r := range d.others {
		if own.Task == task {
			all[own.Member] = r.data
		}
	}
	return all
}

// Changed is signalled after each listing, and when a document was found changed.
func (d *Documents) Changed() <-chan struct{} { return d.signal }

// Take returns the keys of documents that others have changed since it was last called.
func (d *Documents) Take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var keys []string
	for key := range d.changed {
		keys = append(keys, key)
	}
	clear(d.changed)
	slices.Sort(keys)
	return keys
}

// refresh reads what a listing, begun at the mark, shows to have changed.
func (d *Documents) refresh(ctx context.Context, all []bucket.Found, now time.Time, mark time.Duration) error {
	versions := d.versions(all)
	var group errgroup.Group
	group.SetLimit(atOnce)
	d.mu.Lock()
	if !now.IsZero() {
		d.now, d.mark = now, mark
	}
	var stale []string
	for key, version := range versions {
		if r, known := d.known[key]; d.damaged[key] != version && (!known || r.version != version && r.at < mark) {
			stale = append(stale, key)
		}
	}
	for key, r := range d.known {
		if versions[key] == "" && r.version != "" && r.at < mark {
			d.known[key] = read{at: mark}
			d.changed[key] = true
		}
	}
	d.mu.Unlock()
	for _, key := range stale {
		group.Go(func() error {
			doc, err := d.Get(ctx, key)
			var damaged *store.FormatError
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil
			case errors.As(err, &damaged): // whoever polls it says so, and nobody else has to stand still
				d.mu.Lock()
				defer d.mu.Unlock()
				delete(d.known, key)
				d.damaged[key] = doc.Version
				return nil
			}
			return err
		})
	}
	d.refreshOthers(ctx, all, &group)
	err := group.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wake()
	return err
}

// refreshOthers reads what other members have for themselves of tasks that this one has, too.
func (d *Documents) refreshOthers(ctx context.Context, all []bucket.Found, group *errgroup.Group) {
	d.mu.Lock()
	defer d.mu.Unlock()
	there := map[Own]bool{}
	for _, found := range all {
		if len(found.Folder) != 1 || found.Key == d.name || !d.each[found.Folder[0]] || found.Version == "" {
			continue
		}
		own := Own{found.Folder[0], found.Key}
		there[own] = true
		if d.others[own].version == found.Version {
			continue
		}
		group.Go(func() error {
			doc, err := d.shared.Sub(own.Task).Get(ctx, own.Member)
			var damaged *store.FormatError
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil
			case err != nil && !errors.As(err, &damaged): // which says nothing
				return err
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			d.others[own] = read{data: doc.Data, version: doc.Version}
			return nil
		})
	}
	for own := range d.others {
		if !there[own] {
			delete(d.others, own)
		}
	}
}
