package pack

import (
	"encoding/binary"
	"sort"

	"github.com/bittrance/kitops/poller/git/object"
)

// Where the fields of an entry are in its record.
const (
	crcAt  = 8
	kindAt = 12
	nameAt = 13
)

// Table lists what is in a pack, in the order of the pack: a pack of some MB
// can have millions of entries. It is for one goroutine.
type Table struct {
	records
	format object.Format
}

// NewTable makes one of entries, in memory that may have a file.
func NewTable(f object.Format, s *Scratch, entries ...Entry) *Table {
	t := &Table{records: records{scratch: s, size: nameAt + f.Size()}, format: f}
	for _, e := range entries {
		t.Add(e)
	}
	return t
}

// Len is how many entries there are.
func (t *Table) Len() int { return t.count }

// Close gives back the memory, and that of all lists that share it.
func (t *Table) Close() error { return t.scratch.Close() }

// Add appends an entry. What of it is not known yet is set later.
func (t *Table) Add(e Entry) { t.enter(e) }

func (t *Table) enter(e Entry) (name []byte, of *page) {
	record, of := t.add()
	binary.BigEndian.PutUint64(record, uint64(e.Offset))
	binary.BigEndian.PutUint32(record[crcAt:], e.Crc)
	record[kindAt] = byte(e.Kind)
	copy(record[nameAt:], e.ID.Bytes())
	return record[nameAt:], of
}

// await adds an entry whose name another goroutine writes, which then says so to the page.
func (t *Table) await(e Entry) (name []byte, of *page) {
	name, of = t.enter(e)
	of.awaited.Add(1)
	return name, of
}

// At is the entry at i.
func (t *Table) At(i int) Entry {
	record := t.at(i)
	return Entry{
		Offset: int64(binary.BigEndian.Uint64(record)), Crc: binary.BigEndian.Uint32(record[crcAt:]),
		Kind: object.Kind(record[kindAt]), ID: t.format.ID(record[nameAt:]),
	}
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

func (t *Table) offset(i int) int64 { return int64(binary.BigEndian.Uint64(t.at(i))) }

func (t *Table) kind(i int) object.Kind { return object.Kind(t.at(i)[kindAt]) }

// name is that of an entry, to be read.
func (t *Table) name(i int) []byte { return t.at(i)[nameAt:] }

// leanOn has a delta whose name is not known yet lean on what begins at an
// offset, which stands in the name's place.
func (t *Table) leanOn(i int, base int64) {
	binary.BigEndian.PutUint64(t.edit(i)[nameAt:], uint64(base))
}

// leansOn is the offset that leanOn has set.
func (t *Table) leansOn(i int) int64 { return int64(binary.BigEndian.Uint64(t.name(i))) }

// resolve is for a delta, when it is known what it makes.
func (t *Table) resolve(i int, id object.ID, kind object.Kind) {
	record := t.edit(i)
	record[kindAt] = byte(kind)
	copy(record[nameAt:], id.Bytes())
}
