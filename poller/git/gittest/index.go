package gittest

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// errUnusual says that something is not as these helpers know it, and is left
// to git.
var errUnusual = errors.New("not a plain repository")

// index returns the files of the work tree's index, which must be of version 2
// (gitformat-index). Conflicts and what only newer versions have are errUnusual.
func (r *Repo) index() (map[string]entry, error) {
	const header, stat = 12, 40 // times, device, inode, mode at 24, owner, length
	size := len(r.zero) / 2
	files := map[string]entry{}
	index, err := os.ReadFile(filepath.Join(r.gitDir(), "index"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errUnusual // no file was ever added
	}
	if err != nil {
		return nil, err
	}
	if len(index) < header+size || !bytes.HasPrefix(index, []byte("DIRC\x00\x00\x00\x02")) {
		return nil, errUnusual
	}
	rest := index[header : len(index)-size]
	for range binary.BigEndian.Uint32(index[8:]) {
		if len(rest) < stat+size+2 {
			return nil, errUnusual
		}
		e := entry{binary.BigEndian.Uint32(rest[24:]), hex.EncodeToString(rest[stat:][:size])}
		flags, named := binary.BigEndian.Uint16(rest[stat+size:]), rest[stat+size+2:]
		length := bytes.IndexByte(named, 0)
		if stage := flags & 0x3000; stage != 0 || length < 0 {
			return nil, errUnusual
		}
		files[string(named[:length])] = e
		rest = rest[min(len(rest), (stat+size+2+length+8)&^7):] // entries end with one to eight zeros
	}
	for len(rest) >= 8 { // extensions; one in small letters may not be passed over
		if rest[0] >= 'a' {
			return nil, errUnusual
		}
		rest = rest[min(len(rest), 8+int(binary.BigEndian.Uint32(rest[4:]))):]
	}
	return files, nil
}
