package odb

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/pack"
)

const maxAlternates = 32

// Store holds the packs of a repository open, those it borrows from alternates
// included, and knows where loose objects are. It is safe for concurrent use,
// each goroutine with a reader of its own.
type Store struct {
	Format object.Format
	Packs  []*pack.Pack
	Spools pack.Spools // for what is too large for memory
	loose  []string    // directories of objects
	made   map[object.ID][]byte

	shared   []string // git directories that others may repack
	mu       sync.Mutex
	reopened int    // how many of them are
	again    *Store // in this one, as others have left them
}

// Open opens the object store of a git directory whose objects are named in
// the format given.
func Open(gitDir string, f object.Format) (*Store, error) {
	s := &Store{Format: f}
	pending := []string{filepath.Join(gitDir, "objects")}
	for len(pending) > 0 {
		dir := filepath.Clean(pending[0])
		pending = pending[1:]
		if s.knows(dir) {
			continue
		}
		if len(s.loose) >= maxAlternates {
			s.Close()
			return nil, fmt.Errorf("cannot follow the alternates of %s to %s", gitDir, dir)
		}
		borrowed, err := alternates(dir)
		if err == nil {
			err = s.add(dir)
		}
		if err != nil {
			s.Close()
			return nil, err
		}
		pending = append(pending, borrowed...)
	}
	return s, nil
}

func (s *Store) knows(dir string) bool {
	return slices.Contains(s.loose, dir)
}

// add opens the packs of one directory of objects. One that goes away meanwhile
// was repacked: what was in it is found elsewhere or missed later.
func (s *Store) add(dir string) error {
	s.loose = append(s.loose, dir)
	entries, err := os.ReadDir(filepath.Join(dir, "pack"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, entry := range entries {
		base, isIndex := strings.CutSuffix(entry.Name(), ".idx")
		if !isIndex || !strings.HasPrefix(base, "pack-") {
			continue
		}
		p, err := pack.Open(filepath.Join(dir, "pack", base), s.Format)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		s.Insert(p)
	}
	return nil
}

// Insert keeps the packs in the order in which it is best to search them.
func (s *Store) Insert(p *pack.Pack) {
	s.Packs = append(s.Packs, p)
	slices.SortStableFunc(s.Packs, func(a, b *pack.Pack) int { return b.Index.Count - a.Index.Count })
}

// Join makes what another store has part of this one, which closes it then.
// Nothing may be read from them meanwhile.
func (s *Store) Join(other *Store) {
	for _, dir := range other.loose {
		if !s.knows(dir) {
			s.loose = append(s.loose, dir)
		}
	}
	for _, p := range other.Packs {
		s.Insert(p)
	}
	s.shared = append(s.shared, other.shared...)
	if other.again != nil {
		s.Join(other.again)
	}
}

// alternates reads objects/info/alternates, gitrepository-layout(5).
func alternates(dir string) ([]string, error) {
	f, err := files.OpenRegular(filepath.Join(dir, "info", "alternates"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var found []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if !filepath.IsAbs(line) {
			line = filepath.Join(dir, line)
		}
		found = append(found, line)
	}
	return found, lines.Err()
}

// Close closes the packs.
func (s *Store) Close() {
	for _, p := range s.Packs {
		_ = p.Close() // only read from
	}
	if s.again != nil {
		s.again.Close()
	}
}

// Find says where an object is, and whether it is there at all.
func (s *Store) Find(id object.ID) (pack.Place, bool) {
	for _, p := range s.Packs {
		if offset, ok := p.Index.Find(id); ok {
			return pack.Place{Pack: p, Offset: offset}, true
		}
	}
	for _, dir := range s.loose {
		if _, err := os.Stat(loosePath(dir, id)); err == nil {
			return pack.Place{}, true
		}
	}
	if _, made := s.made[id]; made {
		return pack.Place{}, true
	}
	if again := s.repacked(); again != nil {
		return again.Find(id)
	}
	return pack.Place{}, false
}

// Make gives the store a blob that no repository has, under its name. Nothing may
// be read meanwhile.
func (s *Store) Make(blob []byte) (object.ID, error) {
	id, err := object.NewHasher(s.Format).Of(object.Object{Kind: object.KindBlob, Data: blob})
	if s.made == nil {
		s.made = map[object.ID][]byte{}
	}
	s.made[id] = blob
	return id, err
}

// Has says whether an object is there, by name alone.
func (s *Store) Has(id object.ID) bool {
	_, ok := s.Find(id)
	return ok
}

func loosePath(dir string, id object.ID) string {
	name := id.String()
	return filepath.Join(dir, name[:2], name[2:])
}
