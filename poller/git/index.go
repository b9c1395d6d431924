package git

import (
	"crypto/sha1"
	"encoding/binary"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing"
)

const (
	stageMagic    = "DIRC\x00\x00\x00\x02"
	stageStat     = 40                        // bytes of an entry before the name of its blob
	stageHead     = stageStat + sha1.Size + 2 // and before its path
	stageMinEntry = (stageHead + 1 + 8) &^ 7  // bytes of an entry with the shortest path
	stageMinLen   = len(stageMagic) + 4 + sha1.Size
	stageNameMask = 0xfff
	treeExtension = "TREE"
)

// indexFile is what git's index holds, gitformat-index(5), version 2: the files
// of a work tree, what they were when they were written, and the trees they make.
type indexFile struct {
	entries []indexEntry // by path, byte for byte; none twice
	trees   []indexTree  // none, or the root and all that it says is below, depth first
	extras  []indexExtra
}

// indexEntry is a file, or the empty directory of a submodule.
type indexEntry struct {
	path string // with slashes
	mode mode   // never modeDir
	id   plumbing.Hash
	stat fileStat

	convert convert // how it was written, which an index does not tell
}

// fileStat is what a file system says of a file, as far as an index has room
// for it. The zero value is not known.
type fileStat struct {
	ctime, mtime             fileTime
	dev, ino, uid, gid, size uint32
}

// fileTime is a time of a file since 1970.
type fileTime struct{ sec, nsec uint32 }

// before orders times.
func (t fileTime) before(other fileTime) bool {
	return t.sec < other.sec || t.sec == other.sec && t.nsec < other.nsec
}

// indexTree says that entries that follow each other make a tree that exists.
type indexTree struct {
	name    string // within the tree above; "" for the root
	entries int    // of the index, those of trees below included; -1: the tree is not known
	below   int    // trees right below
	id      plumbing.Hash
}

// indexExtra is an extension that may be ignored. Its name is four bytes, the
// first of which is a capital.
type indexExtra struct {
	name string
	data []byte
}

// statSize is a file's size as an index has it; 0 says that a file is empty.
func statSize(size int64) uint32 {
	if uint32(size) == 0 && size != 0 {
		return 1 << 31
	}
	return uint32(size)
}

// encodeIndex makes an index file. What it is given is in order and sound.
func encodeIndex(x *indexFile) []byte {
	size := stageMinLen + len(x.trees)*64
	for _, e := range x.entries {
		size += stageLen(len(e.path))
	}
	for _, extra := range x.extras {
		size += 8 + len(extra.data)
	}
	out := append(make([]byte, 0, size), stageMagic...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(x.entries)))
	for i := range x.entries {
		out = x.entries[i].append(out)
	}
	if len(x.trees) > 0 {
		out = appendExtra(out, indexExtra{treeExtension, encodeIndexTrees(x.trees)})
	}
	for _, extra := range x.extras {
		out = appendExtra(out, extra)
	}
	sum := sha1.Sum(out)
	return append(out, sum[:]...)
}

// stageLen is how long an entry is: one to eight zeros end it.
func stageLen(path int) int { return (stageHead + path + 8) &^ 7 }

func (e *indexEntry) append(out []byte) []byte {
	s := &e.stat
	for _, field := range [...]uint32{
		s.ctime.sec, s.ctime.nsec, s.mtime.sec, s.mtime.nsec, s.dev, s.ino, uint32(e.mode), s.uid, s.gid, s.size,
	} {
		out = binary.BigEndian.AppendUint32(out, field)
	}
	out = append(out, e.id[:]...)
	out = binary.BigEndian.AppendUint16(out, uint16(min(len(e.path), stageNameMask)))
	out = append(out, e.path...)
	return append(out, "\x00\x00\x00\x00\x00\x00\x00\x00"[:stageLen(len(e.path))-stageHead-len(e.path)]...)
}

func appendExtra(out []byte, extra indexExtra) []byte {
	out = append(out, extra.name...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(extra.data)))
	return append(out, extra.data...)
}

func encodeIndexTrees(trees []indexTree) []byte {
	var out []byte
	for _, t := range trees {
		out = append(append(out, t.name...), 0)
		out = append(strconv.AppendInt(out, int64(t.entries), 10), ' ')
		out = append(strconv.AppendInt(out, int64(t.below), 10), '\n')
		if t.entries >= 0 {
			out = append(out, t.id[:]...)
		}
	}
	return out
}
