package object

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Mode says what an entry of a tree is, in git's numbers.
type Mode uint32

// The modes that git writes.
const (
	ModeDir       Mode = 0o040000
	ModeFile      Mode = 0o100644
	ModeRun       Mode = 0o100755
	ModeSymlink   Mode = 0o120000
	ModeSubmodule Mode = 0o160000
)

// TreeEntry is one name in a tree.
type TreeEntry struct {
	Name string
	ID   ID
	Mode Mode
}

var errTree = errors.New("damaged tree")

// ParseTree reads a tree object and refuses names that must not be in one. It
// gives the entries in git's order, also where the tree is not.
func ParseTree(f Format, data []byte) ([]TreeEntry, error) {
	entries, err := scanTree(f, data)
	if err != nil {
		return nil, err
	}
	for i := range entries {
		if err := entries[i].check(); err != nil {
			return nil, err
		}
	}
	return entries, checkTwins(entries)
}

// scanTree reads a tree object as it is.
func scanTree(f Format, data []byte) ([]TreeEntry, error) {
	text := string(data) // names are parts of it
	size := f.Size()
	entries := make([]TreeEntry, 0, len(data)/(size+20))
	for len(text) > 0 {
		space := strings.IndexByte(text[:min(len(text), 8)], ' ')
		if space < 0 {
			return nil, errTree
		}
		var m Mode
		for _, c := range text[:space] {
			if c < '0' || c > '7' {
				return nil, errTree
			}
			m = m<<3 | Mode(c-'0')
		}
		text = text[space+1:]
		end := strings.IndexByte(text, 0)
		if end < 0 || len(text) < end+1+size {
			return nil, errTree
		}
		e := TreeEntry{Mode: m.canonical(), Name: text[:end]}
		e.ID.format = f
		copy(e.ID.raw[:size], text[end+1:])
		text = text[end+1+size:]
		entries = append(entries, e)
	}
	return entries, nil
}

// canonical is the mode that git reads from that of an old tree: only who may
// run a file counts.
func (m Mode) canonical() Mode {
	const kinds = 0o170000
	switch kind := m & kinds; {
	case kind == ModeFile&kinds && m&0o100 != 0:
		return ModeRun
	case kind == ModeFile&kinds:
		return ModeFile
	case kind == ModeDir, kind == ModeSymlink, kind == ModeSubmodule:
		return kind
	}
	return m
}

func (e *TreeEntry) check() error {
	switch e.Mode {
	case ModeFile, ModeRun, ModeDir, ModeSymlink, ModeSubmodule:
	default:
		return fmt.Errorf("%q has the unknown mode %o", e.Name, e.Mode)
	}
	if e.Mode == ModeSubmodule && e.ID.IsZero() {
		return fmt.Errorf("refused: %q is a submodule without a commit", e.Name)
	}
	if e.Mode == ModeSymlink && isSpelledAs(e.Name, ".gitmodules", "gitmod~1", "gitmod~2", "gitmod~3", "gitmod~4") {
		return fmt.Errorf("refused: %q is a symlink, which git does not read", e.Name)
	}
	return CheckName(e.Name)
}

// checkTwins finds a name that is twice in a tree, as two files or as a file
// and a directory.
func checkTwins(entries []TreeEntry) error {
	if !slices.IsSortedFunc(entries, func(a, b TreeEntry) int { return strings.Compare(a.key(), b.key()) }) {
		slices.SortFunc(entries, func(a, b TreeEntry) int { return strings.Compare(a.key(), b.key()) })
	}
	for i, e := range entries {
		twin := i > 0 && entries[i-1].Name == e.Name
		if e.Mode == ModeDir && !twin {
			_, twin = slices.BinarySearchFunc(entries, e.Name, func(other TreeEntry, name string) int {
				return strings.Compare(other.key(), name)
			})
		}
		if twin {
			return fmt.Errorf("refused: %q is twice in one directory", e.Name)
		}
	}
	return nil
}

// key is what trees are ordered by.
func (e TreeEntry) key() string {
	if e.Mode == ModeDir {
		return e.Name + "/"
	}
	return e.Name
}

// CheckName refuses what is no name of a file, and what some file system would
// take for a repository planted in the checkout.
func CheckName(name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("refused: %q is no name of a file", name)
	}
	if os.PathSeparator != '/' && (!filepath.IsLocal(name) || filepath.Base(name) != name) {
		return fmt.Errorf("refused: %q is no name of a file here", name)
	}
	for part := range strings.SplitSeq(name, `\`) { // a directory to some
		if isSpelledAs(part, ".git", "git~1") {
			return fmt.Errorf("refused: %q would be a git directory", name)
		}
	}
	return nil
}

// isSpelledAs knows the spellings of a name that git reads: in any case; as NTFS
// reads it, with trailing dots and spaces, a stream, or in a short form; as HFS+
// reads it, without the characters it ignores.
func isSpelledAs(name, read string, short ...string) bool {
	if name == "" || name[0] != '.' && name[0]|0x20 != 'g' && name[0] < 0x80 {
		return false
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 0x200c && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x206a && r <= 0x206f, r == 0xfeff:
			return -1
		}
		return r
	}, name)
	if i := strings.IndexByte(name, ':'); i >= 0 {
		name = name[:i]
	}
	name = strings.ToLower(strings.TrimRight(name, " ."))
	return name == read || slices.Contains(short, name)
}
