package pack

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"

	"github.com/bittrance/kitops/poller/git/object"
)

const (
	indexInMemory = 4 << 20 // bytes; the index of 120,000 objects

	indexMagic = "\xfftOc\x00\x00\x00\x02"
	indexNames = len(indexMagic) + 256*4
	farOffset  = 1 << 31
)

// perObject is what an index has of each: name, CRC, offset.
func perObject(f object.Format) int { return f.Size() + 4 + 4 }

func indexMinLen(f object.Format) int { return indexNames + 2*f.Size() }

// Index is an index of version 2, gitformat-pack(5), as it is in its file, or would be.
// What it leads to is hashed when read, so it is not itself. It is safe for
// concurrent use.
type Index struct {
	data   []byte // of a large one no more than its fan-out
	large  *largeIndex
	format object.Format
	size   int // of a name
	Count  int
	Pack   object.ID // the checksum of the pack

	Unsummed bool // of version 1, which has no checksums of entries
}

// OpenIndex opens an index, which is to be closed.
func OpenIndex(path string, f object.Format) (*Index, error) {
	return openIndex(path, f, indexInMemory)
}

func openIndex(path string, f object.Format, room int64) (*Index, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && info.Size() > room {
		var x *Index
		if x, err = readLarge(file, info.Size(), f); x != nil {
			return x, nil
		}
	}
	var data []byte
	if err == nil {
		data = make([]byte, info.Size())
		_, err = io.ReadFull(file, data)
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	x, ok := ParseIndex(data, f)
	if !ok {
		return nil, object.Damaged("%s is no index that can be read", path)
	}
	return x, nil
}

// Close closes the file of a large index.
func (x *Index) Close() error {
	if x.large == nil {
		return nil
	}
	return x.large.file.Close()
}

// ParseIndex reads an index of version 2, or 1; false: it is damaged.
func ParseIndex(data []byte, f object.Format) (*Index, bool) {
	old := f == object.SHA1 && !bytes.HasPrefix(data, []byte(indexMagic[:4]))
	if old {
		data = fromVersion1(data, f)
	}
	if len(data) < indexMinLen(f) {
		return nil, false
	}
	x := &Index{data: data, format: f, size: f.Size(), Unsummed: old}
	x.Pack = f.ID(data[len(data)-2*x.size:])
	return x, x.measure(int64(len(data)))
}

// measure reads the fan-out and says whether the file is as long as it tells.
func (x *Index) measure(length int64) bool {
	if !bytes.HasPrefix(x.data, []byte(indexMagic)) {
		return false
	}
	last := uint32(0)
	for i := range 256 {
		next := binary.BigEndian.Uint32(x.data[len(indexMagic)+4*i:])
		if next < last {
			return false
		}
		last = next
	}
	x.Count = int(last)
	far := length - int64(indexMinLen(x.format)) - int64(x.Count)*int64(perObject(x.format))
	return far >= 0 && far%8 == 0 && far/8 <= int64(x.Count)
}

// fromVersion1 makes an index of version 2 of one of version 1, which git before
// 1.6 wrote: no head, and the offset before each name. Checksums of entries it has none.
func fromVersion1(data []byte, f object.Format) []byte {
	const names = 256 * 4
	count := (len(data) - names - 2*f.Size()) / (4 + f.Size())
	if count < 0 || len(data) != names+count*(4+f.Size())+2*f.Size() || int(binary.BigEndian.Uint32(data[names-4:])) != count {
		return nil
	}
	out := append(make([]byte, 0, indexMinLen(f)+count*perObject(f)), indexMagic...)
	out = append(out, data[:names]...)
	entries := data[names : len(data)-2*f.Size()]
	for i := range count {
		out = append(out, entries[i*(4+f.Size())+4:][:f.Size()]...)
	}
	out = append(out, make([]byte, 4*count)...)
	for i := range count {
		offset := entries[i*(4+f.Size()):][:4]
		if offset[0]&0x80 != 0 { // in version 2 that leads elsewhere
			return nil
		}
		out = append(out, offset...)
	}
	return append(out, data[len(data)-2*f.Size():]...)
}

// Find says where in the pack an object begins.
func (x *Index) Find(id object.ID) (int64, bool) {
	if !x.format.Is(id) {
		return 0, false
	}
	low, first := 0, int(id.First())
	if first > 0 {
		low = int(binary.BigEndian.Uint32(x.data[len(indexMagic)+4*(first-1):]))
	}
	high := int(binary.BigEndian.Uint32(x.data[len(indexMagic)+4*first:]))
	if x.large != nil {
		return x.large.find(x, id, low, high)
	}
	i, ok := findName(x.data[indexNames+low*x.size:], high-low, id)
	if !ok {
		return 0, false
	}
	return x.offset(low + i)
}

// findName searches count names, one after another, in order.
func findName(names []byte, count int, id object.ID) (int, bool) {
	size := id.Size()
	low, high := 0, count
	for low < high {
		middle := int(uint(low+high) / 2)
		switch id.CompareBytes(names[middle*size:][:size]) {
		case -1:
			high = middle
		case 1:
			low = middle + 1
		default:
			return middle, true
		}
	}
	return low, false
}

func (x *Index) offset(i int) (int64, bool) {
	if x.large != nil {
		return x.large.offset(x, i)
	}
	offsets := x.data[indexNames+x.Count*(x.size+4):]
	near := binary.BigEndian.Uint32(offsets[4*i:])
	if near < farOffset {
		return int64(near), true
	}
	far := offsets[4*x.Count : len(offsets)-2*x.size]
	at := 8 * int(near-farOffset)
	if at+8 > len(far) {
		return 0, false
	}
	offset := int64(binary.BigEndian.Uint64(far[at:]))
	return offset, offset >= 0
}

// scan has take see the offset, the checksum and the name of each object, in the order of names.
func (x *Index) scan(take func(record []byte) error) error {
	var file io.ReaderAt = bytes.NewReader(x.data)
	if x.large != nil {
		file = x.large.file
	}
	part := func(begin, each int) *bufio.Reader {
		return bufio.NewReader(io.NewSectionReader(file, int64(begin), int64(x.Count)*int64(each)))
	}
	names, crcs, offsets := part(indexNames, x.size), part(indexNames+x.Count*x.size, 4), part(indexNames+x.Count*(x.size+4), 4)
	record := make([]byte, 8+4+x.size)
	for i := range x.Count {
		_, nameErr := io.ReadFull(names, record[12:])
		_, offsetErr := io.ReadFull(offsets, record[8:12])
		offset := int64(binary.BigEndian.Uint32(record[8:]))
		if offset >= farOffset {
			offset, _ = x.offset(i) // what leads nowhere is found out when read
		}
		_, crcErr := io.ReadFull(crcs, record[8:12])
		if err := errors.Join(nameErr, offsetErr, crcErr); err != nil {
			return err
		}
		binary.BigEndian.PutUint64(record, uint64(offset))
		if err := take(record); err != nil {
			return err
		}
	}
	return nil
}

// Entries are all that the index has, in the order of the pack. Their memory may
// have a file in the directory given.
func (x *Index) Entries(dir string) (*Table, error) {
	scratch := NewScratch(dir)
	byOffset := newSorter(scratch, 8+4+x.size, x.Count)
	err := x.scan(byOffset.add)
	all := NewTable(x.format, scratch)
	if err == nil {
		err = byOffset.each(func(record []byte) {
			all.Add(Entry{Offset: int64(binary.BigEndian.Uint64(record)), Crc: binary.BigEndian.Uint32(record[8:]), ID: x.format.ID(record[12:])})
		})
	}
	if err = errors.Join(err, scratch.Err); err != nil {
		return nil, errors.Join(err, all.Close())
	}
	return all, nil
}

// Entry is what an index says of an object.
type Entry struct {
	Offset int64
	Crc    uint32
	Kind   object.Kind // not in the index; a delta's as long as it is not known
	ID     object.ID
}
