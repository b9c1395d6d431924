package git

import (
	"bytes"
	"cmp"
	"crypto/sha1"
	"encoding/binary"
	"os"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

const (
	indexMagic  = "\xfftOc\x00\x00\x00\x02"
	indexNames  = len(indexMagic) + 256*4
	farOffset   = 1 << 31
	perObject   = sha1.Size + 4 + 4 // name, CRC, offset
	indexMinLen = indexNames + 2*sha1.Size
)

// packIndex is an index of version 2, gitformat-pack(5), as it is in its file.
// What it leads to is hashed when read, so it is not itself.
type packIndex struct {
	data  []byte
	count int
	pack  plumbing.Hash // the checksum of the pack
}

func readPackIndex(path string) (*packIndex, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	x, ok := parsePackIndex(data)
	if !ok {
		return nil, damaged("%s is no index that can be read", path)
	}
	return x, nil
}

func parsePackIndex(data []byte) (*packIndex, bool) {
	if len(data) < indexMinLen || !bytes.HasPrefix(data, []byte(indexMagic)) {
		return nil, false
	}
	x := &packIndex{data: data}
	last := uint32(0)
	for i := range 256 {
		next := binary.BigEndian.Uint32(data[len(indexMagic)+4*i:])
		if next < last {
			return nil, false
		}
		last = next
	}
	x.count = int(last)
	far := len(data) - indexMinLen - x.count*perObject
	if far < 0 || far%8 != 0 || far/8 > x.count {
		return nil, false
	}
	copy(x.pack[:], data[len(data)-2*sha1.Size:])
	return x, true
}

// find says where in the pack an object begins.
func (x *packIndex) find(id plumbing.Hash) (int64, bool) {
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

func (x *packIndex) name(i int) []byte {
	return x.data[indexNames+i*sha1.Size:][:sha1.Size]
}

func (x *packIndex) offset(i int) (int64, bool) {
	offsets := x.data[indexNames+x.count*(sha1.Size+4):]
	near := binary.BigEndian.Uint32(offsets[4*i:])
	if near < farOffset {
		return int64(near), true
	}
	far := offsets[4*x.count : len(offsets)-2*sha1.Size]
	at := 8 * int(near-farOffset)
	if at+8 > len(far) {
		return 0, false
	}
	offset := int64(binary.BigEndian.Uint64(far[at:]))
	return offset, offset >= 0
}

// entries are all that the index has, in the order of the pack.
func (x *packIndex) entries() []packEntry {
	all := make([]packEntry, x.count)
	crcs := x.data[indexNames+x.count*sha1.Size:]
	for i := range all {
		copy(all[i].id[:], x.name(i))
		all[i].crc = binary.BigEndian.Uint32(crcs[4*i:])
		all[i].offset, _ = x.offset(i)
	}
	slices.SortFunc(all, func(a, b packEntry) int { return cmp.Compare(a.offset, b.offset) })
	return all
}

// packEntry is what an index says of an object.
type packEntry struct {
	id     plumbing.Hash
	crc    uint32
	kind   plumbing.ObjectType // not in the index; 0 as long as it is not known
	offset int64
}

// encodePackIndex makes an index of entries in any order. Of an object that is
// twice in the pack it keeps one.
func encodePackIndex(entries []packEntry, pack plumbing.Hash) []byte {
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b packEntry) int { return bytes.Compare(a.id[:], b.id[:]) })
	sorted = slices.CompactFunc(sorted, func(a, b packEntry) bool { return a.id == b.id })
	out := make([]byte, 0, indexMinLen+len(sorted)*perObject)
	out = append(out, indexMagic...)
	n := 0
	for first := range 256 {
		for n < len(sorted) && int(sorted[n].id[0]) == first {
			n++
		}
		out = binary.BigEndian.AppendUint32(out, uint32(n))
	}
	for _, e := range sorted {
		out = append(out, e.id[:]...)
	}
	for _, e := range sorted {
		out = binary.BigEndian.AppendUint32(out, e.crc)
	}
	var far []int64
	for _, e := range sorted {
		if e.offset < farOffset {
			out = binary.BigEndian.AppendUint32(out, uint32(e.offset))
			continue
		}
		out = binary.BigEndian.AppendUint32(out, farOffset|uint32(len(far)))
		far = append(far, e.offset)
	}
	for _, offset := range far {
		out = binary.BigEndian.AppendUint64(out, uint64(offset))
	}
	out = append(out, pack[:]...)
	sum := sha1.Sum(out)
	return append(out, sum[:]...)
}
