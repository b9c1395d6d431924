package pack

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"os"
	"slices"

	"github.com/bittrance/kitops/poller/git/object"
)

const (
	indexMagic = "\xfftOc\x00\x00\x00\x02"
	indexNames = len(indexMagic) + 256*4
	farOffset  = 1 << 31
)

// perObject is what an index has of each: name, CRC, offset.
func perObject(f object.Format) int { return f.Size() + 4 + 4 }

func indexMinLen(f object.Format) int { return indexNames + 2*f.Size() }

// Index is an index of version 2, gitformat-pack(5), as it is in its file, or would be.
// What it leads to is hashed when read, so it is not itself.
type Index struct {
	data   []byte
	format object.Format
	size   int // of a name
	Count  int
	Pack   object.ID // the checksum of the pack

	Unsummed bool // of version 1, which has no checksums of entries
}

func readPackIndex(path string, f object.Format) (*Index, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	x, ok := ParseIndex(data, f)
	if !ok {
		return nil, object.Damaged("%s is no index that can be read", path)
	}
	return x, nil
}

// ParseIndex reads an index of version 2, or 1; false: it is damaged.
func ParseIndex(data []byte, f object.Format) (*Index, bool) {
	old := f == object.SHA1 && !bytes.HasPrefix(data, []byte(indexMagic[:4]))
	if old {
		data = fromVersion1(data, f)
	}
	if len(data) < indexMinLen(f) || !bytes.HasPrefix(data, []byte(indexMagic)) {
		return nil, false
	}
	x := &Index{data: data, format: f, size: f.Size(), Unsummed: old}
	last := uint32(0)
	for i := range 256 {
		next := binary.BigEndian.Uint32(data[len(indexMagic)+4*i:])
		if next < last {
			return nil, false
		}
		last = next
	}
	x.Count = int(last)
	far := len(data) - indexMinLen(f) - x.Count*perObject(f)
	if far < 0 || far%8 != 0 || far/8 > x.Count {
		return nil, false
	}
	x.Pack = f.ID(data[len(data)-2*x.size:])
	return x, true
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
	for low < high {
		middle := int(uint(low+high) / 2)
		switch id.CompareBytes(x.name(middle)) {
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
	return x.data[indexNames+i*x.size:][:x.size]
}

func (x *Index) offset(i int) (int64, bool) {
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

// Entries are all that the index has, in the order of the pack.
func (x *Index) Entries() *Table {
	order := make([]int32, x.Count)
	offsets := make([]int64, x.Count)
	for i := range order {
		order[i] = int32(i)
		offsets[i], _ = x.offset(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(offsets[a], offsets[b]) })
	all := NewTable(x.format)
	crcs := x.data[indexNames+x.Count*x.size:]
	for _, i := range order {
		all.Add(Entry{ID: x.format.ID(x.name(int(i))), Offset: offsets[i], Crc: binary.BigEndian.Uint32(crcs[4*i:])})
	}
	return all
}

// Entry is what an index says of an object.
type Entry struct {
	Offset int64
	Crc    uint32
	Kind   object.Kind // not in the index; a delta's as long as it is not known
	ID     object.ID
}

// EncodeIndex makes an index of what is in a pack. An object that is twice in
// the pack is twice in the index, as git has it.
func EncodeIndex(entries *Table, pack object.ID) []byte {
	order := make([]int32, entries.Len())
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return entries.compare(int(a), int(b)) })
	f := pack.Format()
	out := make([]byte, 0, indexMinLen(f)+len(order)*perObject(f))
	out = append(out, indexMagic...)
	n := 0
	for first := range 256 {
		for n < len(order) && int(entries.name(int(order[n]))[0]) == first {
			n++
		}
		out = binary.BigEndian.AppendUint32(out, uint32(n))
	}
	for _, i := range order {
		out = append(out, entries.name(int(i))...)
	}
	for _, i := range order {
		out = binary.BigEndian.AppendUint32(out, entries.At(int(i)).Crc)
	}
	var far []int64
	for _, i := range order {
		offset := entries.offset(int(i))
		if offset < farOffset {
			out = binary.BigEndian.AppendUint32(out, uint32(offset))
			continue
		}
		out = binary.BigEndian.AppendUint32(out, farOffset|uint32(len(far)))
		far = append(far, offset)
	}
	for _, offset := range far {
		out = binary.BigEndian.AppendUint64(out, uint64(offset))
	}
	out = pack.AppendTo(out)
	return f.Sum(out).AppendTo(out)
}
