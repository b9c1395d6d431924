package safedir

import "time"

// MaxSymlink is how long the target of a link may be, in bytes: beyond any system's
// limit, and small enough to hold.
const MaxSymlink = 1 << 15

// Kind is what a name stands for.
type Kind uint8

// The kinds that a checkout is made of.
const (
	Other Kind = iota
	Regular
	Symlink
	Directory
)

// ID tells a file or directory from another that came to have its name. The
// zero value is not known.
type ID struct {
	Dev int64
	Ino uint64
}

// Time is a time of a file since 1970.
type Time struct{ Sec, Nsec uint32 }

// Stat is what the file system says of a file. The zero value is not known.
type Stat struct {
	Ctime, Mtime Time
	Dev, Ino     uint32 // as far as 32 bits go
	UID, GID     uint32
	Size         int64
}

// Info is what a name in a directory stands for.
type Info struct {
	Kind   Kind
	Perm   uint32
	Linked bool // it has other names; false if that is not known
	ID     ID
	Stat   Stat // of it, only Size where there is no more to know
}

// BelongsTo says whether a file has the owner it should have, which may be nil.
func (i *Info) BelongsTo(o *Owner) bool {
	return o == nil || i.Stat.UID == uint32(o.UID) && i.Stat.GID == uint32(o.GID)
}

// Owner is a user of the host.
type Owner struct{ UID, GID int }

// File is a file that is made, or was: its place, and the permissions it has.
type File struct {
	Dir  int32 // of the Tree
	Name string
	Perm uint32

	Older bool // of Stream: it is dated back, so that whoever looks at it later sees that it has not changed since
}

// back is how far that is: where git counts times by seconds, a file of the second of its index may have changed since.
const back = 2 * time.Second

// Tree gives the directory above one, and its name in there. Directories are
// numbers; 0 is the one that Open opened, which Tree is not asked for.
type Tree func(dir int32) (parent int32, name string)

// path is a directory's path below the open one, with slashes.
func (t Tree) path(dir int32) string {
	if dir == 0 {
		return "."
	}
	parent, name := t(dir)
	if parent == 0 {
		return name
	}
	return t.path(parent) + "/" + name
}
