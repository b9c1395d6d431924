package object

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unsafe"
)

var errTree = errors.New("damaged tree")

// Tree is the entries of a tree object, in git's order. One with many names takes
// no more memory than the object, whose text it has.
type Tree struct {
	Len    int
	format Format
	text   string
	sorted []TreeEntry // if the object has them in another order; nil: it does not
}

// ParseTree reads a tree object and refuses names that must not be in one.
func ParseTree(f Format, data []byte) (Tree, error) { return parseTree(f, data, true) }

// scanTree reads a tree object whatever its names are.
func scanTree(f Format, data []byte) (Tree, error) { return parseTree(f, data, false) }

func parseTree(f Format, data []byte, strict bool) (Tree, error) {
	t := Tree{format: f, text: unsafe.String(unsafe.SliceData(data), len(data))} // what an object holds is never changed
	var before TreeEntry
	var files []string // whose names the last one begins with
	inOrder, twin := true, ""
	for text := t.text; text != ""; t.Len++ {
		e, rest, err := nextEntry(f, text)
		if err == nil && strict {
			err = e.check()
		}
		if err != nil {
			return Tree{}, err
		}
		text = rest
		if t.Len > 0 {
			order := before.compare(e)
			inOrder = inOrder && order <= 0
			if order == 0 {
				twin = e.Name
			}
		}
		for len(files) > 0 && !strings.HasPrefix(e.Name, files[len(files)-1]) {
			files = files[:len(files)-1]
		}
		if e.Mode != ModeDir {
			files = append(files, e.Name)
		} else if len(files) > 0 && files[len(files)-1] == e.Name {
			twin = e.Name
		}
		before = e
	}
	if !inOrder {
		twin = t.sort()
	}
	if strict && twin != "" {
		return Tree{}, fmt.Errorf("refused: %q is twice in one directory", twin)
	}
	return t, nil
}

// sort is for a tree that is not in git's order. It returns a name that is twice
// in it, as two files or as a file and a directory.
func (t *Tree) sort() (twin string) {
	all := slices.AppendSeq(make([]TreeEntry, 0, t.Len), t.All())
	slices.SortStableFunc(all, TreeEntry.compare)
	t.sorted = all
	for i, e := range all {
		again := i > 0 && all[i-1].Name == e.Name
		if e.Mode == ModeDir && !again {
			_, again = slices.BinarySearchFunc(all, TreeEntry{Name: e.Name}, TreeEntry.compare)
		}
		if again {
			twin = e.Name
		}
	}
	return twin
}

// All are the entries.
func (t Tree) All() iter.Seq[TreeEntry] {
	return func(yield func(TreeEntry) bool) {
		for rest := t; ; {
			if e, some := rest.next(); !some || !yield(e) {
				return
			}
		}
	}
}

// next takes the first entry out.
func (t *Tree) next() (e TreeEntry, some bool) {
	if t.sorted != nil {
		if len(t.sorted) > 0 {
			e, t.sorted, some = t.sorted[0], t.sorted[1:], true
		}
		return e, some
	}
	if t.text == "" {
		return e, false
	}
	e, t.text, _ = nextEntry(t.format, t.text) // it was read before
	return e, true
}

// Finder tells of entries whether the tree has them by the same name, as
// directories or not. It wants to be asked in git's order.
func (t Tree) Finder() func(TreeEntry) (TreeEntry, bool) {
	here, some := t.next()
	return func(e TreeEntry) (TreeEntry, bool) {
		for some && here.compare(e) < 0 {
			here, some = t.next()
		}
		return here, some && here.compare(e) == 0
	}
}

// nextEntry reads the first entry of what is left of a tree.
func nextEntry(f Format, text string) (e TreeEntry, rest string, err error) {
	space := strings.IndexByte(text[:min(len(text), 8)], ' ')
	if space < 0 {
		return e, "", errTree
	}
	var m Mode
	for _, c := range text[:space] {
		if c < '0' || c > '7' {
			return e, "", errTree
		}
		m = m<<3 | Mode(c-'0')
	}
	text = text[space+1:]
	size := f.Size()
	end := strings.IndexByte(text, 0)
	if end < 0 || len(text) < end+1+size {
		return e, "", errTree
	}
	e.Mode, e.Name, e.ID.format = m.canonical(), text[:end], f
	copy(e.ID.raw[:size], text[end+1:])
	return e, text[end+1+size:], nil
}

// compare is git's order, in which the name of a directory ends with a slash.
func (e TreeEntry) compare(other TreeEntry) int {
	n := min(len(e.Name), len(other.Name))
	if order := strings.Compare(e.Name[:n], other.Name[:n]); order != 0 {
		return order
	}
	return int(e.after(n)) - int(other.after(n))
}

// after is the byte behind the first n of the name.
func (e TreeEntry) after(n int) byte {
	switch {
	case n < len(e.Name):
		return e.Name[n]
	case e.Mode == ModeDir:
		return '/'
	}
	return 0
}
