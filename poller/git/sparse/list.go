package sparse

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Limits of a list, which somebody writes by hand.
const (
	maxEntries = 10_000
	maxEntry   = 4096 // bytes
)

// List selects files. It is never changed.
type List struct {
	entries  []string
	patterns []pattern // in order; nil: it is a list of directories

	whole map[string]bool // directories with all that is below them
	ways  map[string]bool // those above them, of which the files are selected and what is in other directories is not

	also  map[string]bool // files that are selected whatever the list says
	above map[string]bool // the directories above those
}

// Parse makes a list. Where all entries are names of directories, they are selected with all that is below them and, as with
// git, the files right in each directory above. With one entry that begins with a slash or a !, or has a *, ?, [ or \, all are
// patterns of gitignore(5) that select, the last one that matches being what counts.
func Parse(entries []string) (*List, error) {
	l := &List{entries: slices.Clone(entries)}
	if len(entries) == 0 {
		return nil, errors.New("at least one directory or pattern is needed")
	}
	if len(entries) > maxEntries {
		return nil, fmt.Errorf("more than %d entries", maxEntries)
	}
	for _, entry := range entries {
		if err := check(entry); err != nil {
			return nil, err
		}
	}
	if slices.ContainsFunc(entries, isPattern) {
		return l, l.parsePatterns()
	}
	return l, l.parseDirectories()
}

// check is for what is wrong in both forms.
func check(entry string) error {
	switch {
	case strings.TrimSpace(entry) == "":
		return errors.New("an empty entry")
	case len(entry) > maxEntry:
		return fmt.Errorf("an entry of more than %d bytes", maxEntry)
	case strings.ContainsAny(entry, "\n\r\x00"):
		return fmt.Errorf("%q has a line end in it: write one entry for each line", entry)
	case entry[0] == '#':
		return fmt.Errorf("%q is a comment to git: write \\%s if a name begins so", entry, entry)
	}
	return nil
}

// isPattern says that an entry is none of a list of directories.
func isPattern(entry string) bool {
	return entry[0] == '/' || entry[0] == '!' || strings.ContainsAny(entry, `*?[\`)
}

func (l *List) parseDirectories() error {
	l.whole, l.ways = map[string]bool{}, map[string]bool{}
	for _, entry := range l.entries {
		dir := strings.TrimSuffix(entry, "/")
		for name := range strings.SplitSeq(dir, "/") {
			if name == "" || name == "." || name == ".." {
				return fmt.Errorf("%q must be the path of a directory in the repository, as in libs/common", entry)
			}
		}
		l.whole[dir] = true
		addAbove(l.ways, dir)
	}
	return nil
}

// addAbove adds the directories that a path is in, but for the top.
func addAbove(set map[string]bool, of string) {
	for dir := path.Dir(of); dir != "."; dir = path.Dir(dir) {
		set[dir] = true
	}
}

// With is the list with files that are selected whatever it says.
func (l *List) With(files ...string) *List {
	more := *l
	more.also, more.above = map[string]bool{}, map[string]bool{}
	for _, file := range files {
		file = path.Clean(file)
		more.also[file] = true
		addAbove(more.above, file)
	}
	return &more
}

// Directories says that the list is one of directories: git calls that cone mode.
func (l *List) Directories() bool { return l.patterns == nil }

// MarshalJSON gives the entries.
func (l *List) MarshalJSON() ([]byte, error) { return json.Marshal(l.entries) }

// Entries are those that the list was made of.
func (l *List) Entries() []string { return slices.Clone(l.entries) }

// Text is the file info/sparse-checkout of git that says the same, but for the files of With.
func (l *List) Text() string {
	if !l.Directories() {
		return strings.Join(l.entries, "\n") + "\n"
	}
	var text strings.Builder
	text.WriteString("/*\n!/*/\n")
	for _, dir := range sorted(l.ways) {
		if !l.below(dir) {
			fmt.Fprintf(&text, "/%s/\n!/%s/*/\n", dir, dir)
		}
	}
	for _, dir := range sorted(l.whole) {
		if !l.below(path.Dir(dir)) {
			fmt.Fprintf(&text, "/%s/\n", dir)
		}
	}
	return text.String()
}

// below says whether a directory is one that is there with all that is below it, or in one.
func (l *List) below(dir string) bool {
	for ; dir != "."; dir = path.Dir(dir) {
		if l.whole[dir] {
			return true
		}
	}
	return false
}

func sorted(set map[string]bool) []string {
	var all []string
	for name := range set {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
