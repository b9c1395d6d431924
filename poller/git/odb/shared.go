package odb

import (
	"errors"
	"io/fs"

	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/pack"
)

// OpenShared opens the object store of a repository that others may repack while
// it is read, as git gc does after a push: what has left its own file by then is
// found in a pack.
func OpenShared(gitDir string, f object.Format) (*Store, error) {
	s, err := Open(gitDir, f)
	if err == nil {
		s.shared = []string{gitDir}
	}
	return s, err
}

// repacked is the store as others have left it, each directory opened once: git
// writes a pack with all objects before it removes the first of their files. It is
// nil where nobody else repacks.
func (s *Store) repacked() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ; s.reopened < len(s.shared); s.reopened++ {
		again, err := Open(s.shared[s.reopened], s.Format)
		switch {
		case err != nil: // what is missing is told in its own words
		case s.again == nil:
			s.again = again
		default:
			s.again.Join(again)
		}
	}
	return s.again
}

// moved finds an object in a pack that could not be read from its own file.
func (r *Reader) moved(id object.ID, err error) (pack.Place, bool) {
	if !errors.Is(err, fs.ErrNotExist) {
		return pack.Place{}, false
	}
	again := r.Store.repacked()
	if again == nil {
		return pack.Place{}, false
	}
	at, ok := again.Find(id)
	return at, ok && at.Pack != nil
}
