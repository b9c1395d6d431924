package sparse

import (
	"errors"
	"path"
	"strings"
)

const maxSteps = 1 << 32 // of matching, for one revision; some seconds

// ErrTooMuch says that the paths of a revision take too long to match.
var ErrTooMuch = errors.New("git.sparse: the patterns take too long with the paths of this revision: write fewer with **")

// Dir says what is selected of a directory.
type Dir struct {
	All   bool // with all that is below it
	None  bool // nothing is, nor below it
	files bool // files right in it are, if no pattern says else
}

// Selection applies a list to the paths of one revision. It is for one goroutine.
type Selection struct {
	list  *List
	steps int64
	path  []byte
	found map[string]bool // of the list's directories
}

// Select begins with a revision.
func (l *List) Select() *Selection {
	return &Selection{list: l, steps: maxSteps, found: map[string]bool{}}
}

// Err is not nil when the selection cannot be relied on.
func (s *Selection) Err() error {
	if s.steps <= 0 {
		return ErrTooMuch
	}
	return nil
}

// Top is the directory that all others are in.
func (s *Selection) Top() Dir { return Dir{files: s.list.Directories()} }

// Dir is a directory in another one. Its path has slashes, and none at its ends.
func (s *Selection) Dir(above Dir, path string) Dir {
	if above.All || above.None {
		return above
	}
	d := s.dir(above, path)
	if d.None && s.list.above[path] {
		return Dir{}
	}
	return d
}

func (s *Selection) dir(above Dir, path string) Dir {
	l := s.list
	switch {
	case !l.Directories():
		return s.matchedDir(above, path)
	case l.whole[path]:
		s.found[path] = true
		return Dir{All: true}
	case l.ways[path]:
		return Dir{files: true}
	}
	return Dir{None: true}
}

// matchedDir looks whether any pattern can still change what its own match says.
func (s *Selection) matchedDir(above Dir, path string) Dir {
	d := Dir{files: s.match(above, path, true)}
	for i := range s.list.patterns {
		if p := &s.list.patterns[i]; p.selects != d.files && p.reaches(path, &s.steps) {
			return d
		}
	}
	return Dir{All: d.files, None: !d.files}
}

// match is what the last pattern says that matches, or what the directory says.
func (s *Selection) match(in Dir, path string, dir bool) bool {
	s.path = append(s.path[:0], path...)
	name := strings.LastIndexByte(path, '/') + 1
	for i := len(s.list.patterns) - 1; i >= 0; i-- {
		if p := &s.list.patterns[i]; p.matches(s.path, name, dir, &s.steps) {
			return p.selects
		}
	}
	return in.files
}

// File says whether a file, or a symlink, in a directory is selected.
func (s *Selection) File(in Dir, path string) bool {
	return s.list.also[path] || s.entry(in, path, false)
}

// Submodule says so of a submodule, which is selected as a whole.
func (s *Selection) Submodule(in Dir, path string) bool {
	if s.list.whole[path] {
		s.found[path] = true
	}
	return s.entry(in, path, true)
}

// Missing are the directories of the list that the revision does not have, once all of it was gone through.
func (s *Selection) Missing() []string {
	var missing []string
	for _, dir := range sorted(s.list.whole) {
		if !s.found[dir] && !s.list.below(path.Dir(dir)) {
			missing = append(missing, dir)
		}
	}
	return missing
}

func (s *Selection) entry(in Dir, path string, dir bool) bool {
	switch {
	case in.All:
		return true
	case in.None:
		return false
	case s.list.Directories():
		return in.files
	}
	return s.match(in, path, dir)
}
