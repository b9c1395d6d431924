package store

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/bittrance/kitops/poller/files"
)

// File is a [Store] in one YAML file. What changes the file from outside, be it an edit or a deletion, is honoured at the next call.
// Besides the errors of [Store] all methods return *[FormatError] while the file does not read; it is left as it is then.
type File struct {
	path string
	full int // bytes of documents beyond which none may grow: fullFile, less in a test

	turn    chan struct{} // held by the one who reads or saves the file
	text    *fileText     // of docs, for who has the turn; nil: not made
	queueMu sync.Mutex
	queue   []*write // for whoever has the turn next: one save serves them all

	mu   sync.RWMutex
	docs documents   // what the file held when it was last read or saved
	seen files.Stamp // of the file at that time
}

// OpenFile reads the file at path; a missing or empty one holds no documents. It returns *[FormatError] for one that does not read.
// Hold the lock (see [AcquireLock]) before: what a killed process left half-written beside the file is removed.
func OpenFile(path string) (*File, error) {
	if err := sweep(path); err != nil {
		return nil, err
	}
	f := &File{path: path, full: fullFile, turn: make(chan struct{}, 1)}
	docs, info, err := read(path)
	if err != nil {
		return nil, err
	}
	f.docs, f.seen = docs, files.StampFrom(info)
	return f, nil
}

// Get implements [Store].
func (f *File) Get(ctx context.Context, key string) (Document, error) {
	if err := f.refresh(ctx); err != nil {
		return Document{}, err
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.docs.get(key)
}

// List implements [Store].
func (f *File) List(ctx context.Context, prefix string) ([]string, error) {
	if err := f.refresh(ctx); err != nil {
		return nil, err
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.docs.list(prefix), nil
}

// Put implements [Store]. Calls that wait while another one saves are saved together.
func (f *File) Put(ctx context.Context, key string, data []byte, version string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	w, err := newWrite(key, data, version)
	if err != nil {
		return "", err
	}
	f.queueMu.Lock()
	f.queue = append(f.queue, w)
	f.queueMu.Unlock()

	select {
	case <-w.done:
	case f.turn <- struct{}{}:
		f.commit()
		<-f.turn
	case <-ctx.Done():
		if f.withdraw(w) {
			return "", ctx.Err()
		}
		<-w.done // too late, it is being saved
	}
	if w.err != nil {
		return "", w.err
	}
	return versionOf(w.data), nil
}

func (f *File) withdraw(w *write) bool {
	f.queueMu.Lock()
	defer f.queueMu.Unlock()
	i := slices.Index(f.queue, w)
	if i < 0 {
		return false
	}
	f.queue = slices.Delete(f.queue, i, i+1)
	return true
}

// commit saves all that is queued at once. The caller has the turn.
func (f *File) commit() {
	f.queueMu.Lock()
	batch := f.queue
	f.queue = nil
	f.queueMu.Unlock()
	if len(batch) == 0 {
		return // another one's commit took ours along
	}
	err := f.reload()
	if err == nil {
		err = f.saveAll(batch)
	}
	for _, w := range batch {
		if err != nil {
			w.err = err
		}
		close(w.done)
	}
}

// saveAll returns an error when nothing of the batch counts; a write that only lost against another has its own.
func (f *File) saveAll(batch []*write) error {
	if f.text == nil {
		f.text = newFileText(f.docs)
	}
	next := map[string][]byte{} // what changes; nil: it is deleted
	for _, w := range batch {
		old, again := next[w.key]
		if !again {
			old = f.docs[w.key]
		}
		if grown := len(w.data) - len(old); grown > 0 && f.text.size+grown > f.full {
			w.err = fmt.Errorf("put %s: the file would have %d bytes, and more than %d are not added to it", w.key, f.text.size+grown, f.full)
			continue
		}
		changed, err := w.changes(old)
		if w.err = err; changed {
			next[w.key] = w.data
			f.text.set(w.key, old, w.data)
		}
	}
	if len(next) == 0 {
		return nil
	}
	info, err := save(f.path, f.text.bytes())
	if info == nil {
		f.text = nil // it has what was not saved
		return err
	}
	f.mu.Lock() // it is in place, even where an error makes its durability doubtful
	defer f.mu.Unlock()
	for key, data := range next {
		f.docs.set(key, data)
	}
	f.seen = files.StampFrom(info)
	return err
}

// refresh brings docs up to date with a file that changed under us.
func (f *File) refresh(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.current() {
		return nil
	}
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
		return f.reload()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reload reads the file if it changed. The caller has the turn.
func (f *File) reload() error {
	if f.current() {
		return nil
	}
	docs, info, err := read(f.path)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.docs, f.seen, f.text = docs, files.StampFrom(info), nil
	return nil
}

func (f *File) current() bool {
	f.mu.RLock()
	seen := f.seen
	f.mu.RUnlock()
	return seen.Same(files.StampOf(f.path))
}
