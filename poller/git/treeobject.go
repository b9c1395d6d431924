package git

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// mode says what an entry of a tree is, in git's numbers.
type mode uint32

const (
	modeDir       mode = 0o040000
	modeFile      mode = 0o100644
	modeGroup     mode = 0o100664 // of old repositories; git takes it for modeFile
	modeRun       mode = 0o100755
	modeSymlink   mode = 0o120000
	modeSubmodule mode = 0o160000
)

// treeEntry is one name in a tree.
type treeEntry struct {
	mode mode
	name string
	id   plumbing.Hash
}

var errTree = errors.New("damaged tree")

// parseTree reads a tree object and refuses names that must not be in one. It
// gives the entries in git's order, also where the tree is not.
func parseTree(data []byte) ([]treeEntry, error) {
	entries, err := scanTree(data)
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
func scanTree(data []byte) ([]treeEntry, error) {
	text := string(data) // names are parts of it
	entries := make([]treeEntry, 0, len(data)/40)
	for len(text) > 0 {
		space := strings.IndexByte(text[:min(len(text), 8)], ' ')
		if space < 0 {
			return nil, errTree
		}
		var m mode
		for _, c := range text[:space] {
			if c < '0' || c > '7' {
				return nil, errTree
			}
			m = m<<3 | mode(c-'0')
		}
		text = text[space+1:]
		end := strings.IndexByte(text, 0)
		if end < 0 || len(text) < end+1+len(plumbing.ZeroHash) {
			return nil, errTree
		}
		e := treeEntry{mode: m, name: text[:end]}
		copy(e.id[:], text[end+1:])
		text = text[end+1+len(e.id):]
		entries = append(entries, e)
	}
	return entries, nil
}

func (e *treeEntry) check() error {
	switch e.mode {
	case modeFile, modeRun, modeDir, modeSymlink, modeSubmodule:
	case modeGroup:
		e.mode = modeFile
	default:
		return fmt.Errorf("%q has the unknown mode %o", e.name, e.mode)
	}
	if e.mode == modeSubmodule && e.id.IsZero() {
		return fmt.Errorf("refused: %q is a submodule without a commit", e.name)
	}
	return checkName(e.name)
}

// checkTwins finds a name that is twice in a tree, as two files or as a file
// and a directory.
func checkTwins(entries []treeEntry) error {
	if !slices.IsSortedFunc(entries, func(a, b treeEntry) int { return strings.Compare(a.key(), b.key()) }) {
		slices.SortFunc(entries, func(a, b treeEntry) int { return strings.Compare(a.key(), b.key()) })
	}
	for i, e := range entries {
		twin := i > 0 && entries[i-1].name == e.name
		if e.mode == modeDir && !twin {
			_, twin = slices.BinarySearchFunc(entries, e.name, func(other treeEntry, name string) int {
				return strings.Compare(other.key(), name)
			})
		}
		if twin {
			return fmt.Errorf("refused: %q is twice in one directory", e.name)
		}
	}
	return nil
}

// key is what trees are ordered by.
func (e treeEntry) key() string {
	if e.mode == modeDir {
		return e.name + "/"
	}
	return e.name
}

// checkName refuses what is no name of a file, and what some file system would
// take for a repository planted in the checkout.
func checkName(name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("refused: %q is no name of a file", name)
	}
	if os.PathSeparator != '/' && (!filepath.IsLocal(name) || filepath.Base(name) != name) {
		return fmt.Errorf("refused: %q is no name of a file here", name)
	}
	if isDotGit(name) {
		return fmt.Errorf("refused: %q would be a git directory", name)
	}
	return nil
}

// isDotGit knows the spellings of .git: in any case; as NTFS reads it, with
// trailing dots and spaces, a stream, or in its short form; as HFS+ reads it,
// without the characters it ignores.
func isDotGit(name string) bool {
	if first := name[0]; first != '.' && first|0x20 != 'g' && first < 0x80 {
		return false
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 0x200c && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x206a && r <= 0x206f, r == 0xfeff:
			return -1
		}
		return r
	}, name)
	if i := strings.IndexAny(name, `:\`); i >= 0 {
		name = name[:i]
	}
	name = strings.ToLower(strings.TrimRight(name, " ."))
	return name == ".git" || name == "git~1"
}
