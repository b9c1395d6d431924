package file

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/store"
)

// Store is a [store.Store] in one YAML file. What changes the file from outside, be it an edit or a deletion, is honoured at the next call.
// Besides the errors of [store.Store] all methods return *[document.FormatError] while the file does not read; it is left as it is then.
type Store struct {
	Writer string // names the program in the file; set before Put, may be empty
	Grows  bool   // what changes is added to the end of a large file; set before Put, and call Fold when all is done

	Held func() bool // as long as it says so nothing is added, so that former versions read the file; nil: never. Set before Put

	path  string
	full  int // bytes of documents beyond which none may grow: fullFile, less in a test
	large int // bytes of a file from which on it grows: largeFile, less in a test

	turn    chan struct{} // held by the one who reads or saves the file
	text    *fileText     // of docs, for who has the turn; nil: not made
	queueMu sync.Mutex
	queue   []*write // for whoever has the turn next: one save serves them all

	mu   sync.RWMutex
	docs store.Documents // what the file held when it was last read or saved
	seen files.Stamp     // of the file at that time
	form form            // of the file at that time
}

// write is one call of Put. Its error is set before done is closed.
type write struct {
	store.Change

	done chan struct{}
	err  error
}

// Open reads the file at path; a missing or empty one holds no documents. It returns *[document.FormatError] for one that does not read.
// Hold the lock (see [AcquireLock]) before: what a killed process left half-written beside the file is removed.
func Open(path string) (*Store, error) {
	if err := sweep(path); err != nil {
		return nil, err
	}
	return Read(path)
}

// Read is Open for who holds no lock: it changes nothing, also beside the file, and Put is not for it.
func Read(path string) (*Store, error) {
	f := &Store{path: path, full: fullFile, large: largeFile, turn: make(chan struct{}, 1)}
	if err := f.reload(); err != nil {
		return nil, err
	}
	return f, nil
}

// Get implements [store.Store].
func (f *Store) Get(ctx context.Context, key string) (store.Document, error) {
	if err := f.refresh(ctx); err != nil {
		return store.Document{}, err
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.docs.Get(key)
}

// List implements [store.Store].
func (f *Store) List(ctx context.Context, prefix string) ([]string, error) {
	if err := f.refresh(ctx); err != nil {
		return nil, err
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.docs.List(prefix), nil
}

// Put implements [store.Store]. Calls that wait while another one saves are saved together.
func (f *Store) Put(ctx context.Context, key string, data []byte, version string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	change, err := store.NewChange(key, data, version)
	if err != nil {
		return "", err
	}
	w := &write{Change: change, done: make(chan struct{})}
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
	return store.VersionOf(w.Data), nil
}

func (f *Store) withdraw(w *write) bool {
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
func (f *Store) commit() {
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
func (f *Store) saveAll(batch []*write) error {
	if f.text == nil {
		f.text = newFileText(f.docs, f.Writer)
	}
	next := map[string][]byte{} // what changes; nil: it is deleted
	for _, w := range batch {
		old, again := next[w.Key]
		if !again {
			old = f.docs[w.Key]
		}
		if grown := len(w.Data) - len(old); grown > 0 && f.text.size+grown > f.full {
			w.err = fmt.Errorf("put %s: the file would have %d bytes, and more than %d are not added to it", w.Key, f.text.size+grown, f.full)
			continue
		}
		changed, err := w.Compare(old)
		if w.err = err; changed {
			next[w.Key] = w.Data
			f.text.set(w.Key, old, w.Data)
		}
	}
	if len(next) == 0 {
		return nil
	}
	info, form, err := f.write(next)
	if info == nil {
		f.text = nil // it has what was not saved
		return err
	}
	f.mu.Lock() // it is in place, even where an error makes its durability doubtful
	defer f.mu.Unlock()
	for key, data := range next {
		f.docs.Set(key, data)
	}
	f.seen, f.form = files.StampFrom(info), form
	return err
}

// refresh brings docs up to date with a file that changed under us.
func (f *Store) refresh(ctx context.Context) error {
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
func (f *Store) reload() error {
	if f.current() {
		return nil
	}
	docs, grown, info, err := read(f.path)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.docs, f.seen, f.form, f.text = docs, files.StampFrom(info), form{grown: grown}, nil
	return nil
}

func (f *Store) current() bool {
	f.mu.RLock()
	seen, read := f.seen, f.docs != nil
	f.mu.RUnlock()
	return read && seen.Same(files.StampOf(f.path))
}
