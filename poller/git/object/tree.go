package object

import (
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

// TreeEntry is one name in a tree, which is a part of the tree's text.
type TreeEntry struct {
	Name string
	ID   ID
	Mode Mode
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
