package index

import (
	"crypto/sha1"
	"encoding/binary"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/bittrance/kitops/poller/git/object"
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

// File is what git's index holds, gitformat-index(5), version 2: the files
// of a work tree, what they were when they were written, and the trees they make.
type File struct {
	Entries []Entry // by path, byte for byte; none twice
	Trees   []Tree  // none, or the root and all that it says is below, depth first
	Extras  []Extra
}

// Entry is a file, or the empty directory of a submodule.
type Entry struct {
	Path string      // with slashes
	Mode object.Mode // never modeDir
	ID   plumbing.Hash
	Stat FileStat

	Convert uint8 // how it was written, in numbers of whoever keeps it: an index does not tell
}

// FileStat is what a file system says of a file, as far as an index has room
// for it. The zero value is not known.
type FileStat struct {
	Ctime, Mtime             FileTime
	Dev, Ino, Uid, Gid, Size uint32
}

// FileTime is a time of a file since 1970.
type FileTime struct{ Sec, Nsec uint32 }

// Before orders times.
func (t FileTime) Before(other FileTime) bool {
	return t.Sec < other.Sec || t.Sec == other.Sec && t.Nsec < other.Nsec
}

// Tree says that entries that follow each other make a tree that exists.
type Tree struct {
	Name    string // within the tree above; "" for the root
	Entries int    // of the index, those of trees below included; -1: the tree is not known
	Below   int    // trees right below
	ID      plumbing.Hash
}

// Extra is an extension that may be ignored. Its name is four bytes, the
// first of which is a capital.
type Extra struct {
	Name string
	Data []byte
}

// StatSize is a file's size as an index has it; 0 says that a file is empty.
func StatSize(size int64) uint32 {
	if uint32(size) == 0 && size != 0 {
		return 1 << 31
	}
	return uint32(size)
}

// Encode makes an index file. What it is given is in order and sound.
func Encode(x *File) []byte {
	size := stageMinLen + len(x.Trees)*64
	for _, e := range x.Entries {
		size += stageLen(len(e.Path))
	}
	for _, extra := range x.Extras {
		size += 8 + len(extra.Data)
	}
	out := append(make([]byte, 0, size), stageMagic...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(x.Entries)))
	for i := range x.Entries {
		out = x.Entries[i].append(out)
	}
	if len(x.Trees) > 0 {
		out = appendExtra(out, Extra{treeExtension, encodeIndexTrees(x.Trees)})
	}
	for _, extra := range x.Extras {
		out = appendExtra(out, extra)
	}
	sum := sha1.Sum(out)
	return append(out, sum[:]...)
}

// stageLen is how long an entry is: one to eight zeros end it.
func stageLen(path int) int { return (stageHead + path + 8) &^ 7 }

func (e *Entry) append(out []byte) []byte {
	s := &e.Stat
	for _, field := range [...]uint32{
		s.Ctime.Sec, s.Ctime.Nsec, s.Mtime.Sec, s.Mtime.Nsec, s.Dev, s.Ino, uint32(e.Mode), s.Uid, s.Gid, s.Size,
	} {
		out = binary.BigEndian.AppendUint32(out, field)
	}
	out = append(out, e.ID[:]...)
	out = binary.BigEndian.AppendUint16(out, uint16(min(len(e.Path), stageNameMask)))
	out = append(out, e.Path...)
	return append(out, "\x00\x00\x00\x00\x00\x00\x00\x00"[:stageLen(len(e.Path))-stageHead-len(e.Path)]...)
}

func appendExtra(out []byte, extra Extra) []byte {
	out = append(out, extra.Name...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(extra.Data)))
	return append(out, extra.Data...)
}

func encodeIndexTrees(trees []Tree) []byte {
	var out []byte
	for _, t := range trees {
		out = append(append(out, t.Name...), 0)
		out = append(strconv.AppendInt(out, int64(t.Entries), 10), ' ')
		out = append(strconv.AppendInt(out, int64(t.Below), 10), '\n')
		if t.Entries >= 0 {
			out = append(out, t.ID[:]...)
		}
	}
	return out
}
