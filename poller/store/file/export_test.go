package file

import (
	"github.com/bittrance/kitops/poller/store"
)

// Roundtrip writes one document to the bytes of a file, reads these, and returns all that is in there.
func Roundtrip(key string, data []byte) (before, after map[string][]byte, err error) {
	change, err := store.NewChange(key, data, "")
	if err != nil {
		return nil, nil, err
	}
	docs := store.Documents{key: change.Data, "another": []byte("x: 1\n")}
	after, _, err = decode("state.yaml", encode(docs))
	return docs, after, err
}

// Decode reads the bytes of a file and returns them as kitops would write them.
func Decode(data []byte) (written []byte, docs map[string][]byte, err error) {
	docs, _, err = decode("state.yaml", data)
	return encode(docs), docs, err
}

// Explain is what is said of a rename that failed.
func Explain(err error) error { return explain(err) }

// ExplainLock is what is said of a lock that cannot be had.
func ExplainLock(err error) error { return explainLock(err) }

// SetFull lowers the bound of all documents together.
func (f *Store) SetFull(bytes int) { f.full = bytes }

// SetLarge sets the size from which on a file grows, and lets it.
func (f *Store) SetLarge(bytes int) { f.Grows, f.large = true, bytes }

// Hold keeps the file from being read or saved until release is called.
func (f *Store) Hold() (release func()) {
	f.turn <- struct{}{}
	return func() { <-f.turn }
}

// Queued counts the calls of Put that wait to be saved.
func (f *Store) Queued() int {
	f.queueMu.Lock()
	defer f.queueMu.Unlock()
	return len(f.queue)
}
