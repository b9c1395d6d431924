package files

import (
	"errors"
	"io/fs"
	"os"
)

// Stamp tells one content of a file from the next, as well as can be told
// without reading it: by identity, size and time. The zero Stamp is that of no
// file.
type Stamp struct {
	info   fs.FileInfo // nil: there was none
	hidden bool        // or it could not be looked at
}

// StampOf looks at the file that path leads to.
func StampOf(path string) Stamp {
	info, err := os.Stat(path)
	if err != nil {
		return Stamp{hidden: !errors.Is(err, fs.ErrNotExist)}
	}
	return Stamp{info: info}
}

// StampFrom is the stamp of a file that was looked at already, nil for none.
func StampFrom(info fs.FileInfo) Stamp { return Stamp{info: info} }

// Missing tells whether there was no file that could be looked at.
func (s Stamp) Missing() bool { return s.info == nil }

// Same also tells a file from the one it replaced, which may be as long and as
// old as the clock can tell.
func (s Stamp) Same(other Stamp) bool {
	if s.info == nil || other.info == nil {
		return s == other
	}
	return os.SameFile(s.info, other.info) && s.info.Size() == other.info.Size() && s.info.ModTime().Equal(other.info.ModTime())
}
