package pack

import (
	"bufio"
	"encoding/binary"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/bittrance/kitops/poller/git/object"
)

// blockNames is how many names of a large index are read at once.
const blockNames = 64

// largeIndex is an index that stays in its file: a search reads one block of names.
type largeIndex struct {
	file   *os.File
	length int64
	firsts []uint64 // how the first name of each block begins

	mu    sync.Mutex
	block []byte
}

// readLarge is nil where the index is not of version 2, or damaged.
func readLarge(file *os.File, length int64, f object.Format) (*Index, error) {
	x := &Index{data: make([]byte, indexNames), format: f, size: f.Size()}
	if _, err := file.ReadAt(x.data, 0); err != nil {
		return nil, err
	}
	if !x.measure(length) {
		return nil, nil //nolint:nilnil // whoever reads all of it says what it is
	}
	l := &largeIndex{file: file, length: length, block: make([]byte, blockNames*x.size)}
	trailer := l.block[:x.size]
	if _, err := file.ReadAt(trailer, length-2*int64(x.size)); err != nil {
		return nil, err
	}
	x.large, x.Pack = l, f.ID(trailer)
	names := bufio.NewReaderSize(io.NewSectionReader(file, int64(indexNames), int64(x.Count)*int64(x.size)), windowSize)
	l.firsts = make([]uint64, 0, x.Count/blockNames+1)
	for left := x.Count; left > 0; left -= blockNames {
		name, err := names.Peek(8)
		if err != nil {
			return nil, err
		}
		l.firsts = append(l.firsts, binary.BigEndian.Uint64(name))
		if _, err := names.Discard(x.size * min(left, blockNames)); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// find searches the names from low to high. What cannot be read is not there.
func (l *largeIndex) find(x *Index, id object.ID, low, high int) (int64, bool) {
	begins := binary.BigEndian.Uint64(id.Bytes())
	first, _ := slices.BinarySearch(l.firsts, begins)
	l.mu.Lock()
	defer l.mu.Unlock()
	for block := max(first-1, low/blockNames); block*blockNames < high && (block < first || l.firsts[block] == begins); block++ {
		count := min(blockNames, x.Count-block*blockNames)
		names := l.block[:count*x.size]
		if _, err := l.file.ReadAt(names, int64(indexNames)+int64(block)*blockNames*int64(x.size)); err != nil {
			return 0, false
		}
		if i, ok := findName(names, count, id); ok {
			return l.offsetAt(x, block*blockNames+i)
		}
	}
	return 0, false
}

func (l *largeIndex) offset(x *Index, i int) (int64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.offsetAt(x, i)
}

func (l *largeIndex) offsetAt(x *Index, i int) (int64, bool) {
	field := l.block[:8]
	offsets := int64(indexNames) + int64(x.Count)*int64(x.size+4)
	if _, err := l.file.ReadAt(field[:4], offsets+4*int64(i)); err != nil {
		return 0, false
	}
	near := binary.BigEndian.Uint32(field)
	if near < farOffset {
		return int64(near), true
	}
	at := offsets + 4*int64(x.Count) + 8*int64(near-farOffset)
	if at+8 > l.length-2*int64(x.size) {
		return 0, false
	}
	if _, err := l.file.ReadAt(field, at); err != nil {
		return 0, false
	}
	offset := int64(binary.BigEndian.Uint64(field))
	return offset, offset >= 0
}
