package git

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

var errIndex = errors.New("damaged index")

// parseIndex keeps the entries of an index file.
func parseIndex(data []byte) (*indexFile, error) {
	x := &indexFile{}
	grow := func(count int) { x.entries = make([]indexEntry, 0, count) }
	return x, x.parse(string(data), grow, func(e *indexEntry) { x.entries = append(x.entries, *e) })
}

// parse reads an index file whoever wrote it, if all of it is sound: its
// checksum, the order and the names of its paths, and its trees. Flags of entries
// mean nothing here. Conflicts and versions other than 2 are refused. It hands
// entries on instead of keeping them: what is left in one is the caller's until
// the next.
func (x *indexFile) parse(text string, grow func(count int), visit func(*indexEntry)) error {
	if len(text) < stageMinLen || !strings.HasPrefix(text, stageMagic) {
		return errIndex
	}
	body := text[:len(text)-sha1.Size]
	if !sums(body, text[len(body):]) {
		return fmt.Errorf("%w: wrong checksum", errIndex)
	}
	count := int(big32(body[len(stageMagic):]))
	rest := body[len(stageMagic)+4:]
	if count > maxEntries || count > len(rest)/stageMinEntry {
		return fmt.Errorf("%w: %d entries", errIndex, count)
	}
	grow(count)
	before := ""
	var e indexEntry
	for range count {
		size, err := e.parse(rest)
		if err == nil {
			err = checkPath(before, e.path)
		}
		if err != nil {
			return err
		}
		visit(&e)
		rest, before = rest[size:], e.path
	}
	return x.parseExtras([]byte(rest), count)
}

// sums says whether sum is the checksum of a text, without a copy of it.
func sums(text, sum string) bool {
	h := sha1.New()
	buf := make([]byte, readBuffer)
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
func (e *indexEntry) parse(text string) (int, error) {
	if len(text) < stageMinEntry {
		return 0, errIndex
	}
	var fields [stageStat / 4]uint32
	for i := range fields {
		fields[i] = big32(text[4*i:])
	}
	e.mode = mode(fields[6])
	e.stat = fileStat{
		ctime: fileTime{fields[0], fields[1]}, mtime: fileTime{fields[2], fields[3]},
		dev: fields[4], ino: fields[5], uid: fields[7], gid: fields[8], size: fields[9],
	}
	switch e.mode {
	case modeFile, modeRun, modeSymlink, modeSubmodule:
	default:
		return 0, fmt.Errorf("%w: mode %o", errIndex, e.mode)
	}
	copy(e.id[:], text[stageStat:])
	flags := big32(text[stageHead-4:]) & 0xffff
	if flags&0x3000 != 0 {
		return 0, fmt.Errorf("%w: conflicts", errIndex)
	}
	length := int(flags & stageNameMask)
	if length == stageNameMask {
		length = strings.IndexByte(text[stageHead:], 0)
	}
	size := stageLen(length)
	if length < 1 || size > len(text) {
		return 0, errIndex
	}
	e.path = text[stageHead : stageHead+length]
	if strings.Trim(text[stageHead+length:size], "\x00") != "" {
		return 0, errIndex
	}
	return size, nil
}

// checkPath checks a path that comes after another, of which it looks only at
// what is new in it. It may be below the other: a journal of several updates has
// files and directories that were never there at once.
func checkPath(before, path string) error {
	if path <= before {
		return fmt.Errorf("%w: %q after %q", errIndex, path, before)
	}
	same := 0 // bytes of directories that both have
	for i := 0; i < min(len(before), len(path)) && before[i] == path[i]; i++ {
		if path[i] == '/' {
			same = i + 1
		}
	}
	if strings.Count(path, "/") > maxDepth {
		return fmt.Errorf("%w: directories nested deeper than %d", errIndex, maxDepth)
	}
	for name := range strings.SplitSeq(path[same:], "/") {
		if err := checkName(name); err != nil {
			return err
		}
	}
	return nil
}

func (x *indexFile) parseExtras(data []byte, entries int) error {
	for len(data) > 0 {
		if len(data) < 8 {
			return errIndex
		}
		extra := indexExtra{name: string(data[:4])}
		size := int64(binary.BigEndian.Uint32(data[4:]))
		if data = data[8:]; size > int64(len(data)) {
			return errIndex
		}
		extra.data, data = data[:size], data[size:]
		switch {
		case extra.name == treeExtension && x.trees == nil:
			if err := x.parseTrees(extra.data, entries); err != nil {
				return err
			}
		case extra.name[0] < 'A' || extra.name[0] > 'Z':
			return fmt.Errorf("%w: extension %q", errIndex, extra.name)
		default:
			x.extras = append(x.extras, extra)
		}
	}
	return nil
}

// parseTrees reads the trees. Whether they are made of the entries that they
// claim is up to who uses them.
func (x *indexFile) parseTrees(data []byte, entries int) error {
	open := []int{1} // trees that are still to come, of each level
	for len(data) > 0 {
		for len(open) > 0 && open[len(open)-1] == 0 {
			open = open[:len(open)-1]
		}
		if len(open) == 0 || len(open) > maxDepth+1 || len(x.trees) > maxEntries {
			return errIndex
		}
		open[len(open)-1]--
		t, rest, ok := parseIndexTree(data)
		if !ok || t.entries > entries || t.below > len(rest) {
			return errIndex
		}
		if len(x.trees) > 0 && checkName(t.name) != nil || len(x.trees) == 0 && t.name != "" {
			return errIndex
		}
		x.trees = append(x.trees, t)
		open = append(open, t.below)
		data = rest
	}
	for _, missing := range open {
		if missing > 0 {
			return errIndex
		}
	}
	return nil
}

func parseIndexTree(data []byte) (t indexTree, rest []byte, ok bool) {
	name, rest, ok := bytes.Cut(data, []byte{0})
	line, rest, ok2 := bytes.Cut(rest, []byte("\n"))
	entries, below, ok3 := strings.Cut(string(line), " ")
	if !ok || !ok2 || !ok3 {
		return t, nil, false
	}
	t.name = string(name)
	var err, err2 error
	t.entries, err = strconv.Atoi(entries)
	t.below, err2 = strconv.Atoi(below)
	if err != nil || err2 != nil || t.below < 0 || t.entries < -1 {
		return t, nil, false
	}
	if t.entries < 0 {
		return t, rest, true
	}
	if len(rest) < len(plumbing.ZeroHash) {
		return t, nil, false
	}
	copy(t.id[:], rest)
	return t, rest[len(t.id):], true
}
