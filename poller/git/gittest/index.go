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

// Sizes in an index of version 2 (gitformat-index).
const headerSize, statSize = 12, 40

// indexed is an entry of an index, with what is kept to know its file again.
type indexed struct {
	name string
	stat [statSize]byte
	entry
}

// index returns the files of the work tree's index.
func (r *Repo) index() (map[string]entry, error) {
	entries, err := r.readIndex()
	if err == nil && entries == nil {
		err = errUnusual // no file was ever added
	}
	files := map[string]entry{}
	for _, e := range entries {
		files[e.name] = e.entry
	}
	return files, err
}

// readIndex returns the entries of the work tree's index, nil if it has none.
func (r *Repo) readIndex() ([]indexed, error) {
	index, err := os.ReadFile(filepath.Join(r.gitDir(), "index"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseIndex(index, len(r.zero)/2)
}

// parseIndex returns the entries of an index, which must be of version 2, whose
// names of objects have size bytes. Conflicts and what only newer versions have
// are errUnusual.
func parseIndex(index []byte, size int) ([]indexed, error) {
	if len(index) < headerSize+size || !bytes.HasPrefix(index, []byte("DIRC\x00\x00\x00\x02")) {
		return nil, errUnusual
	}
	entries := []indexed{}
	rest := index[headerSize : len(index)-size]
	for range binary.BigEndian.Uint32(index[8:]) {
		if len(rest) < statSize+size+2 {
			return nil, errUnusual
		}
		var e indexed
		copy(e.stat[:], rest)
		e.mode, e.id = binary.BigEndian.Uint32(rest[24:]), hex.EncodeToString(rest[statSize:][:size])
		flags, named := binary.BigEndian.Uint16(rest[statSize+size:]), rest[statSize+size+2:]
		length := bytes.IndexByte(named, 0)
		if flags > maxNameFlag || length < 0 {
			return nil, errUnusual
		}
		e.name = string(named[:length])
		entries = append(entries, e)
		rest = rest[min(len(rest), (statSize+size+2+length+8)&^7):] // entries end with one to eight zeros
	}
	for len(rest) >= 8 { // extensions; one in small letters may not be passed over
		if rest[0] >= 'a' {
			return nil, errUnusual
		}
		rest = rest[min(len(rest), 8+int(binary.BigEndian.Uint32(rest[4:]))):]
	}
	return entries, nil
}

// maxNameFlag are the bits of an entry's flags for the length of its name.
const maxNameFlag = 0xfff

// writeIndex writes the work tree's index of entries in their order.
func (r *Repo) writeIndex(entries []indexed) error {
	index := binary.BigEndian.AppendUint32([]byte("DIRC\x00\x00\x00\x02"), uint32(len(entries)))
	for _, e := range entries {
		id, err := hex.DecodeString(e.id)
		if err != nil {
			return err
		}
		index = append(append(index, e.stat[:]...), id...)
		index = binary.BigEndian.AppendUint16(index, uint16(min(len(e.name), maxNameFlag)))
		index = append(index, e.name...)
		size := statSize + len(id) + 2 + len(e.name)
		index = append(index, make([]byte, (size+8)&^7-size)...)
	}
	sum := r.work.hash()
	sum.Write(index)
	return replace(filepath.Join(r.gitDir(), "index"), sum.Sum(index), 0o644)
}
