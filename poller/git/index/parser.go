package index

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/bittrance/kitops/poller/git/object"
)

// ReadBuffer is how much of a file is read at once, in bytes.
const ReadBuffer = 64 << 10

// ErrDamaged says that a file is no index, or not a sound one.
var ErrDamaged = errors.New("damaged index")

// Parse keeps the entries of an index file.
func Parse(data []byte, f object.Format) (*File, error) {
	x := &File{Format: f}
	grow := func(count int) { x.Entries = make([]Entry, 0, count) }
	return x, x.Parse(string(data), grow, func(e *Entry) { x.Entries = append(x.Entries, *e) })
}

// Parse reads an index file whoever wrote it, if all of it is sound: its
// checksum, the order and the names of its paths, and its trees. Flags of entries
// mean nothing here. Conflicts and versions other than 2 are refused. It hands
// entries on instead of keeping them: what is left in one is the caller's until
// the next.
func (x *File) Parse(text string, grow func(count int), visit func(*Entry)) error {
	if len(text) < stageMinLen(x.Format) || !strings.HasPrefix(text, stageMagic) {
		return ErrDamaged
	}
	body := text[:len(text)-x.Format.Size()]
	if !sums(x.Format, body, text[len(body):]) {
		return fmt.Errorf("%w: wrong checksum", ErrDamaged)
	}
	count := int(big32(body[len(stageMagic):]))
	rest := body[len(stageMagic)+4:]
	if count > object.MaxEntries || count > len(rest)/stageLen(x.Format, 1) {
		return fmt.Errorf("%w: %d entries", ErrDamaged, count)
	}
	grow(count)
	before := ""
	var e Entry
	for range count {
		size, err := e.parse(rest, x.Format)
		if err == nil {
			err = checkPath(before, e.Path)
		}
		if err != nil {
			return err
		}
		visit(&e)
		rest, before = rest[size:], e.Path
	}
	return x.parseExtras([]byte(rest), count)
}

// sums says whether sum is the checksum of a text, without a copy of it.
func sums(f object.Format, text, sum string) bool {
	h := f.New()
	buf := make([]byte, ReadBuffer)
	for len(text) > 0 {
		n := copy(buf, text)
		_, _ = h.Write(buf[:n])
		text = text[n:]
	}
	return string(h.Sum(nil)) == sum
}

func big32(s string) uint32 {
	return uint32(s[0])<<24 | uint32(s[1])<<16 | uint32(s[2])<<8 | uint32(s[3])
}

// parse reads the entry at the beginning of a text and says how long it is.
func (e *Entry) parse(text string, f object.Format) (int, error) {
	if len(text) < stageLen(f, 1) {
		return 0, ErrDamaged
	}
	var fields [stageStat / 4]uint32
	for i := range fields {
		fields[i] = big32(text[4*i:])
	}
	e.Mode = object.Mode(fields[6])
	e.Stat = FileStat{
		Ctime: FileTime{fields[0], fields[1]}, Mtime: FileTime{fields[2], fields[3]},
		Dev: fields[4], Ino: fields[5], Uid: fields[7], Gid: fields[8], Size: fields[9],
	}
	switch e.Mode {
	case object.ModeFile, object.ModeRun, object.ModeSymlink, object.ModeSubmodule:
	default:
		return 0, fmt.Errorf("%w: mode %o", ErrDamaged, e.Mode)
	}
	e.ID = f.IDOf(text[stageStat:])
	head := stageHead(f)
	flags := big32(text[head-4:]) & 0xffff
	if flags&0x3000 != 0 {
		return 0, fmt.Errorf("%w: conflicts", ErrDamaged)
	}
	length := int(flags & stageNameMask)
	if length == stageNameMask {
		length = strings.IndexByte(text[head:], 0)
	}
	size := stageLen(f, length)
	if length < 1 || size > len(text) {
		return 0, ErrDamaged
	}
	e.Path = text[head : head+length]
	if strings.Trim(text[head+length:size], "\x00") != "" {
		return 0, ErrDamaged
	}
	return size, nil
}

// GitFile is what leads from a submodule to its repository. No tree has that
// name; a record of what was checked out does, in directories.
const GitFile = ".git"

// checkPath checks a path that comes after another, of which it looks only at
// what is new in it. It may be below the other: a journal of several updates has
// files and directories that were never there at once.
func checkPath(before, path string) error {
	if path <= before {
		return fmt.Errorf("%w: %q after %q", ErrDamaged, path, before)
	}
	same := 0 // bytes of directories that both have
	for i := 0; i < min(len(before), len(path)) && before[i] == path[i]; i++ {
		if path[i] == '/' {
			same = i + 1
		}
	}
	if strings.Count(path, "/") > object.MaxDepth {
		return fmt.Errorf("%w: directories nested deeper than %d", ErrDamaged, object.MaxDepth)
	}
	if dir, ok := strings.CutSuffix(path, "/"+GitFile); ok {
		if path = dir; same > len(dir) {
			return nil
		}
	}
	for name := range strings.SplitSeq(path[same:], "/") {
		if err := object.CheckName(name); err != nil {
			return err
		}
	}
	return nil
}

func (x *File) parseExtras(data []byte, entries int) error {
	for len(data) > 0 {
		if len(data) < 8 {
			return ErrDamaged
		}
		extra := Extra{Name: string(data[:4])}
		size := int64(binary.BigEndian.Uint32(data[4:]))
		if data = data[8:]; size > int64(len(data)) {
			return ErrDamaged
		}
		extra.Data, data = data[:size], data[size:]
		switch {
		case extra.Name == treeExtension && x.Trees == nil:
			if err := x.parseTrees(extra.Data, entries); err != nil {
				return err
			}
		case extra.Name[0] < 'A' || extra.Name[0] > 'Z':
			return fmt.Errorf("%w: extension %q", ErrDamaged, extra.Name)
		default:
			x.Extras = append(x.Extras, extra)
		}
	}
	return nil
}

// parseTrees reads the trees. Whether they are made of the entries that they
// claim is up to who uses them.
func (x *File) parseTrees(data []byte, entries int) error {
	open := []int{1} // trees that are still to come, of each level
	for len(data) > 0 {
		for len(open) > 0 && open[len(open)-1] == 0 {
			open = open[:len(open)-1]
		}
		if len(open) == 0 || len(open) > object.MaxDepth+1 || len(x.Trees) > object.MaxEntries {
			return ErrDamaged
		}
		open[len(open)-1]--
		t, rest, ok := parseIndexTree(data, x.Format)
		if !ok || t.Entries > entries || t.Below > len(rest) {
			return ErrDamaged
		}
		if len(x.Trees) > 0 && object.CheckName(t.Name) != nil || len(x.Trees) == 0 && t.Name != "" {
			return ErrDamaged
		}
		x.Trees = append(x.Trees, t)
		open = append(open, t.Below)
		data = rest
	}
	for _, missing := range open {
		if missing > 0 {
			return ErrDamaged
		}
	}
	return nil
}

func parseIndexTree(data []byte, f object.Format) (t Tree, rest []byte, ok bool) {
	name, rest, ok := bytes.Cut(data, []byte{0})
	line, rest, ok2 := bytes.Cut(rest, []byte("\n"))
	entries, below, ok3 := strings.Cut(string(line), " ")
	if !ok || !ok2 || !ok3 {
		return t, nil, false
	}
	t.Name = string(name)
	var err, err2 error
	t.Entries, err = strconv.Atoi(entries)
	t.Below, err2 = strconv.Atoi(below)
	if err != nil || err2 != nil || t.Below < 0 || t.Entries < -1 {
		return t, nil, false
	}
	if t.Entries < 0 {
		return t, rest, true
	}
	if len(rest) < f.Size() {
		return t, nil, false
	}
	t.ID = f.ID(rest)
	return t, rest[f.Size():], true
}
