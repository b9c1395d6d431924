package git

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

const maxAlternates = 32

// store holds the packs of a repository open, those it borrows from alternates
// included, and knows where loose objects are. It is safe for concurrent use,
// each goroutine with a reader of its own.
type store struct {
	packs []*pack
	loose []string // directories of objects
}

// openStore opens the object store of a git directory.
func openStore(gitDir string) (*store, error) {
	s := &store{}
	pending := []string{filepath.Join(gitDir, "objects")}
	for len(pending) > 0 {
		dir := filepath.Clean(pending[0])
		pending = pending[1:]
		if s.knows(dir) {
			continue
		}
		if len(s.loose) >= maxAlternates {
			s.close()
			return nil, fmt.Errorf("cannot follow the alternates of %s to %s", gitDir, dir)
		}
		borrowed, err := alternates(dir)
		if err == nil {
			err = s.add(dir)
		}
		if err != nil {
			s.close()
			return nil, err
		}
		pending = append(pending, borrowed...)
	}
	return s, nil
}

func (s *store) knows(dir string) bool {
	return slices.Contains(s.loose, dir)
}

// add opens the packs of one directory of objects. One that goes away meanwhile
// was repacked: what was in it is found elsewhere or missed later.
func (s *store) add(dir string) error {
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
		p, err := openPack(filepath.Join(dir, "pack", base))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		s.insert(p)
	}
	return nil
}

// insert keeps the packs in the order in which it is best to search them.
func (s *store) insert(p *pack) {
	s.packs = append(s.packs, p)
	slices.SortStableFunc(s.packs, func(a, b *pack) int { return b.index.count - a.index.count })
}

// join makes what another store has part of this one, which closes it then.
// Nothing may be read from them meanwhile.
func (s *store) join(other *store) {
	for _, dir := range other.loose {
		if !s.knows(dir) {
			s.loose = append(s.loose, dir)
		}
	}
	for _, p := range other.packs {
		s.insert(p)
	}
}

// alternates reads objects/info/alternates, gitrepository-layout(5).
func alternates(dir string) ([]string, error) {
	f, err := os.Open(filepath.Join(dir, "info", "alternates"))
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

func (s *store) close() {
	for _, p := range s.packs {
		_ = p.file.Close() // only read from
	}
}

// place is where an object begins; a nil pack means that it is loose.
type place struct {
	pack   *pack
	offset int64
}

// find says where an object is, and whether it is there at all.
func (s *store) find(id plumbing.Hash) (place, bool) {
	for _, p := range s.packs {
		if offset, ok := p.index.find(id); ok {
			return place{p, offset}, true
		}
	}
	for _, dir := range s.loose {
		if _, err := os.Stat(loosePath(dir, id)); err == nil {
			return place{}, true
		}
	}
	return place{}, false
}

func (s *store) has(id plumbing.Hash) bool {
	_, ok := s.find(id)
	return ok
}

func loosePath(dir string, id plumbing.Hash) string {
	name := id.String()
	return filepath.Join(dir, name[:2], name[2:])
}
