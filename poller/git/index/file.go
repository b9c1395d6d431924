package index

import (
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/bittrance/kitops/poller/git/object"
)

const (
	stageMagic    = "DIRC\x00\x00\x00\x02"
	stageMagic3   = "DIRC\x00\x00\x00\x03" // entries may have more flags
	stageStat     = 40                     // bytes of an entry before the name of its blob
	stageNameMask = 0xfff
	stageExtended = 0x4000 // more flags follow
	stageSkipped  = 0x4000 // of those: skip-worktree
	treeExtension = "TREE"
)

// File is what git's index holds, gitformat-index(5), version 2, or 3 where entries are skipped: the files
// of a work tree, what they were when they were written, and the trees they make.
type File struct {
	Format  object.Format // of names and of the checksum
	Entries []Entry       // by path, byte for byte; none twice
	Trees   []Tree        // none, or the root and all that it says is below, depth first
	Extras  []Extra
}

// Entry is a file, or the empty directory of a submodule.
type Entry struct {
	Path string      // with slashes
	Mode object.Mode // never modeDir
	ID   object.ID
	Stat FileStat
	Skip bool // it is not to be in the work tree

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
	ID      object.ID
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
	size := stageMinLen(x.Format) + len(x.Trees)*64
	for _, e := range x.Entries {
		size += stageLen(x.Format, len(e.Path)+2)
	}
	for _, extra := range x.Extras {
		size += 8 + len(extra.Data)
	}
	magic := stageMagic
	if slices.ContainsFunc(x.Entries, func(e Entry) bool { return e.Skip }) {
		magic = stageMagic3
	}
	out := append(make([]byte, 0, size), magic...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(x.Entries)))
	for i := range x.Entries {
		out = x.Entries[i].append(out, x.Format)
	}
	if len(x.Trees) > 0 {
		out = appendExtra(out, Extra{treeExtension, encodeIndexTrees(x.Trees, x.Format)})
	}
	for _, extra := range x.Extras {
		out = appendExtra(out, extra)
	}
	return x.Format.Sum(out).AppendTo(out)
}

// stageHead is how long an entry is before its path.
func stageHead(f object.Format) int { return stageStat + f.Size() + 2 }

func stageMinLen(f object.Format) int { return len(stageMagic) + 4 + f.Size() }

// stageLen is how long an entry is: one to eight zeros end it.
func stageLen(f object.Format, path int) int { return (stageHead(f) + path + 8) &^ 7 }

func (e *Entry) append(out []byte, f object.Format) []byte {
	s := &e.Stat
	for _, field := range [...]uint32{
		s.Ctime.Sec, s.Ctime.Nsec, s.Mtime.Sec, s.Mtime.Nsec, s.Dev, s.Ino, uint32(e.Mode), s.Uid, s.Gid, s.Size,
	} {
		out = binary.BigEndian.AppendUint32(out, field)
	}
	out = e.ID.AppendAs(f, out)
	flags, length := uint16(min(len(e.Path), stageNameMask)), len(e.Path)
	if e.Skip {
		out = binary.BigEndian.AppendUint16(out, flags|stageExtended)
		out, length = binary.BigEndian.AppendUint16(out, stageSkipped), length+2
	} else {
		out = binary.BigEndian.AppendUint16(out, flags)
	}
	out = append(out, e.Path...)
	return append(out, "\x00\x00\x00\x00\x00\x00\x00\x00"[:stageLen(f, length)-stageHead(f)-length]...)
}

func appendExtra(out []byte, extra Extra) []byte {
	out = append(out, extra.Name...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(extra.Data)))
	return append(out, extra.Data...)
}

func encodeIndexTrees(trees []Tree, f object.Format) []byte {
	var out []byte
	for _, t := range trees {
		out = append(append(out, t.Name...), 0)
		out = append(strconv.AppendInt(out, int64(t.Entries), 10), ' ')
		out = append(strconv.AppendInt(out, int64(t.Below), 10), '\n')
		if t.Entries >= 0 {
			out = t.ID.AppendAs(f, out)
		}
	}
	return out
}
