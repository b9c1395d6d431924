package pack

import (
	"bytes"
	"encoding/binary"
	"sort"

	"github.com/bittrance/kitops/poller/git/object"
)

// tableChunk is how many entries a chunk of a table has.
const tableChunk = 1 << 10

// Table lists what is in a pack, in the order of the pack, in no more memory
// than a name and 13 bytes for each entry: a pack of some MB can have millions.
type Table struct {
	format object.Format
	chunks []*chunk
	count  int
}

type chunk struct {
	names   []byte
	offsets [tableChunk]int64
	crcs    [tableChunk]uint32
	kinds   [tableChunk]object.Kind
}

// NewTable makes one of entries.
func NewTable(f object.Format, entries ...Entry) *Table {
	t := &Table{format: f}
	for _, e := range entries {
		t.Add(e)
	}
	return t
}

// Len is how many entries there are.
func (t *Table) Len() int { return t.count }

// Add appends an entry. What of it is not known yet is set later.
func (t *Table) Add(e Entry) {
	if t.count%tableChunk == 0 {
		t.chunks = append(t.chunks, &chunk{names: make([]byte, tableChunk*t.format.Size())})
	}
	i := t.count
	t.count++
	c, at := t.in(i)
	copy(t.name(i), e.ID.Bytes())
	c.offsets[at], c.crcs[at], c.kinds[at] = e.Offset, e.Crc, e.Kind
}

// At is the entry at i.
func (t *Table) At(i int) Entry {
	c, at := t.in(i)
	return Entry{Offset: c.offsets[at], Crc: c.crcs[at], Kind: c.kinds[at], ID: t.format.ID(t.name(i))}
}

// Find says which entry begins at an offset.
func (t *Table) Find(offset int64) (int, bool) {
	return sort.Find(t.count, func(i int) int {
		switch at := t.offset(i); {
		case offset < at:
			return -1
		case offset > at:
			return 1
		}
		return 0
	})
}

func (t *Table) in(i int) (*chunk, int) { return t.chunks[i/tableChunk], i % tableChunk }

func (t *Table) offset(i int) int64 { return t.chunks[i/tableChunk].offsets[i%tableChunk] }

func (t *Table) kind(i int) object.Kind { return t.chunks[i/tableChunk].kinds[i%tableChunk] }

// name is where the name of an entry is, to be read or set. It stays there
// while others are added.
func (t *Table) name(i int) []byte {
	c, at := t.in(i)
	size := t.format.Size()
	return c.names[at*size:][:size:size]
}

// leanOn has a delta whose name is not known yet lean on what begins at an
// offset, which stands in the name's place.
func (t *Table) leanOn(i int, base int64) {
	binary.BigEndian.PutUint64(t.name(i), uint64(base))
}

// leansOn is the offset that leanOn has set.
func (t *Table) leansOn(i int) int64 { return int64(binary.BigEndian.Uint64(t.name(i))) }

// setKind is for a delta, when it is known what it makes.
func (t *Table) setKind(i int, kind object.Kind) {
	t.chunks[i/tableChunk].kinds[i%tableChunk] = kind
}

// compare orders entries as an index does.
func (t *Table) compare(i, j int) int {
	if order := bytes.Compare(t.name(i), t.name(j)); order != 0 {
		return order
	}
	return i - j
}
