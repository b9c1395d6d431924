package pack

import (
	"bytes"
	"cmp"
	"crypto/sha1"
	"encoding/binary"
	"os"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/bittrance/kitops/poller/git/object"
)

const (
	indexMagic  = "\xfftOc\x00\x00\x00\x02"
	indexNames  = len(indexMagic) + 256*4
	farOffset   = 1 << 31
	perObject   = sha1.Size + 4 + 4 // name, CRC, offset
	indexMinLen = indexNames + 2*sha1.Size
)

// Index is an index of version 2, gitformat-pack(5), as it is in its file.
// What it leads to is hashed when read, so it is not itself.
type Index struct {
	data  []byte
	Count int
	Pack  plumbing.Hash // the checksum of the pack
}

func readPackIndex(path string) (*Index, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	x, ok := ParseIndex(data)
	if !ok {
		return nil, object.Damaged("%s is no index that can be read", path)
	}
	return x, nil
}

// ParseIndex reads an index of version 2; false: it is damaged.
func ParseIndex(data []byte) (*Index, bool) {
	if len(data) < indexMinLen || !bytes.HasPrefix(data, []byte(indexMagic)) {
		return nil, false
	}
	x := &Index{data: data}
	last := uint32(0)
	for i := range 256 {
		next := binary.BigEndian.Uint32(data[len(indexMagic)+4*i:])
		if next < last {
			return nil, false
		}
		last = next
	}
	x.Count = int(last)
	far := len(data) - indexMinLen - x.Count*perObject
	if far < 0 || far%8 != 0 || far/8 > x.Count {
		return nil, false
	}
	copy(x.Pack[:], data[len(data)-2*sha1.Size:])
	return x, true
}

// Find says where in the pack an object begins.
func (x *Index) Find(id plumbing.Hash) (int64, bool) {
	low := 0
	if id[0] > 0 {
		low = int(binary.BigEndian.Uint32(x.data[len(indexMagic)+4*(int(id[0])-1):]))
	}
	high := int(binary.BigEndian.Uint32(x.data[len(indexMagic)+4*int(id[0]):]))
	for low < high {
		middle := int(uint(low+high) / 2)
		switch bytes.Compare(id[:], x.name(middle)) {
		case -1:
			high = middle
		case 1:
			low = middle + 1
		default:
			return x.offset(middle)
		}
	}
	return 0, false
}

func (x *Index) name(i int) []byte {
	return x.data[indexNames+i*sha1.Size:][:sha1.Size]
}

func (x *Index) offset(i int) (int64, bool) {
	offsets := x.data[indexNames+x.Count*(sha1.Size+4):]
	near := binary.BigEndian.Uint32(offsets[4*i:])
	if near < farOffset {
		return int64(near), true
	}
	far := offsets[4*x.Count : len(offsets)-2*sha1.Size]
	at := 8 * int(near-farOffset)
	if at+8 > len(far) {
		return 0, false
	}
	offset := int64(binary.BigEndian.Uint64(far[at:]))
	return offset, offset >= 0
}

// Entries are all that the index has, in the order of the pack.
func (x *Index) Entries() []Entry {
	all := make([]Entry, x.Count)
	crcs := x.data[indexNames+x.Count*sha1.Size:]
	for i := range all {
		copy(all[i].ID[:], x.name(i))
		all[i].Crc = binary.BigEndian.Uint32(crcs[4*i:])
		all[i].Offset, _ = x.offset(i)
	}
	slices.SortFunc(all, func(a, b Entry) int { return cmp.Compare(a.Offset, b.Offset) })
	return all
}

// Entry is what an index says of an object.
type Entry struct {
	ID     plumbing.Hash
	Crc    uint32
	Kind   plumbing.ObjectType // not in the index; 0 as long as it is not known
	Offset int64
}

// EncodeIndex makes an index of entries in any order. Of an object that is
// twice in the pack it keeps one.
func EncodeIndex(entries []Entry, pack plumbing.Hash) []byte {
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b Entry) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	sorted = slices.CompactFunc(sorted, func(a, b Entry) bool { return a.ID == b.ID })
	out := make([]byte, 0, indexMinLen+len(sorted)*perObject)
	out = append(out, indexMagic...)
	n := 0
	for first := range 256 {
		for n < len(sorted) && int(sorted[n].ID[0]) == first {
			n++
		}
		out = binary.BigEndian.AppendUint32(out, uint32(n))
	}
	for _, e := range sorted {
		out = append(out, e.ID[:]...)
	}
	for _, e := range sorted {
		out = binary.BigEndian.AppendUint32(out, e.Crc)
	}
	var far []int64
	for _, e := range sorted {
		if e.Offset < farOffset {
			out = binary.BigEndian.AppendUint32(out, uint32(e.Offset))
			continue
		}
		out = binary.BigEndian.AppendUint32(out, farOffset|uint32(len(far)))
		far = append(far, e.Offset)
	}
	for _, offset := range far {
		out = binary.BigEndian.AppendUint64(out, uint64(offset))
	}
	out = append(out, pack[:]...)
	sum := sha1.Sum(out)
	return append(out, sum[:]...)
}
