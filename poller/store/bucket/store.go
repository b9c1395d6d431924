package bucket

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/document"
)

// Store is a [store.Store] in a folder of a bucket. It may be used concurrently.
type Store struct {
	requests
	folder string // with its slash at the end, or empty
	writer string
}

// Options say how a store asks.
type Options struct {
	Folder string // of the bucket, in which the documents are; without a slash at the ends
	Writer string // the program, as it stands in the documents
	Log    *slog.Logger
	// Timeout is for one request, 5 s by default. A method returns after three of them at most.
	Timeout time.Duration
}

// New asks nothing yet.
func New(objects Objects, o Options) *Store {
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	folder := o.Folder
	if folder != "" {
		folder += "/"
	}
	return &Store{requests{objects, o.Timeout, o.Log}, folder, o.Writer}
}

// Entry is what a listing says of a document.
type Entry struct {
	Key      string
	Version  string    // as Get returns it
	Modified time.Time // by the server's clock
}

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, key string) (store.Document, error) {
	if !utf8.ValidString(key) {
		return store.Document{}, fmt.Errorf("get %q: the key is not valid UTF-8", key)
	}
	name, err := s.nameOf(key)
	if err != nil { // no document has a name like that
		return store.Document{}, fmt.Errorf("get %s: %w", key, fs.ErrNotExist)
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	object, err := s.get(ctx, name)
	doc := store.Document{Now: object.Now, Version: object.ETag}
	switch {
	case is(err, Missing) || err == nil && len(object.Body) == 0:
		doc.Version = ""
		return doc, fmt.Errorf("get %s: %w", key, fs.ErrNotExist)
	case err != nil:
		return store.Document{}, fmt.Errorf("get %s: %w", key, err)
	}
	doc.Data, err = document.Decode(s.objects.String()+"/"+name, object.Body)
	return doc, err
}

// Put implements [store.Store]. An error that is no conflict leaves open whether the data was written, or will be.
func (s *Store) Put(ctx context.Context, key string, data []byte, version string) (string, error) {
	if data == nil && version == "" {
		return "", s.none(ctx, key)
	}
	name, err := s.nameOf(key)
	if err != nil {
		return "", fmt.Errorf("put %.40q: %w", key, err)
	}
	var body []byte
	if data != nil {
		if body, err = document.Encode(data, s.writer, rand.Text()); err != nil {
			return "", fmt.Errorf("put %s: %w", key, err)
		}
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	if version == "" {
		version, err = s.create(ctx, name, body)
	} else {
		version, err = s.swap(ctx, name, body, Condition{ETag: version})
	}
	switch {
	case is(err, Missing), is(err, Changed):
		return "", fmt.Errorf("put %s: %w", key, store.ErrConflict)
	case err != nil:
		return "", fmt.Errorf("put %s: %w", key, err)
	case data == nil:
		return "", nil
	}
	return version, nil
}

// none is a conflict when there is a document.
func (s *Store) none(ctx context.Context, key string) error {
	_, err := s.Get(ctx, key)
	if err == nil {
		return fmt.Errorf("put %s: %w", key, store.ErrConflict)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// create makes an object, or replaces the empty one that a deletion has left.
func (s *Store) create(ctx context.Context, name string, body []byte) (string, error) {
	version, err := s.swap(ctx, name, body, Condition{Absent: true})
	if !is(err, Changed) {
		return version, err
	}
	object, unread := s.get(ctx, name)
	if unread != nil || len(object.Body) > 0 {
		return "", err
	}
	return s.swap(ctx, name, body, Condition{ETag: object.ETag})
}

// swap puts the body under the condition, until it is known whether it was put.
func (s *Store) swap(ctx context.Context, name string, body []byte, cond Condition) (version string, err error) {
	unsure := false // some earlier put may have been done
	for try := range tries(ctx) {
		var object Object
		object, err = s.put(ctx, name, body, cond)
		switch {
		case err == nil && object.ETag != "":
			return object.ETag, nil
		case err == nil, unsure && (is(err, Changed) || is(err, Missing)):
			return s.whose(ctx, name, body)
		case is(err, Unsure):
			unsure = true
		case !is(err, Busy):
			return "", err
		}
		if try.last {
			break
		}
	}
	return "", err
}

// whose reads an object back. Nobody else writes the same bytes but the empty ones of a deletion, which are as good as one's own.
// Other bytes mean that this put is not done late, either, since its condition holds no more.
func (s *Store) whose(ctx context.Context, name string, body []byte) (version string, err error) {
	found, err := s.get(ctx, name)
	switch {
	case err != nil:
		return "", err
	case !bytes.Equal(found.Body, body):
		return "", &Error{Fault: Changed}
	}
	return found.ETag, nil
}

// List implements [store.Store].
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	entries, _, err := s.Entries(ctx, prefix)
	if err != nil {
		return nil, err
	}
	keys := make([]string, len(entries))
	for i, entry := range entries {
		keys[i] = entry.Key
	}
	return keys, nil
}

// Entries lists the documents whose keys begin with prefix, sorted, with the server's time of when it began.
func (s *Store) Entries(ctx context.Context, prefix string) ([]Entry, time.Time, error) {
	objects, now, err := s.list(ctx, s.folder+escape(prefix))
	if err != nil {
		return nil, now, fmt.Errorf("list %s/%s: %w", s.objects, s.folder, err)
	}
	entries := make([]Entry, 0, len(objects))
	for _, object := range objects {
		key, ours := s.keyOf(object.Name)
		if ours && object.Size > 0 && strings.HasPrefix(key, prefix) {
			entries = append(entries, Entry{key, object.ETag, object.Modified})
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Key, b.Key) })
	return entries, now, nil
}
