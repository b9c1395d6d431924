package pack

import (
	"bytes"
	"encoding/binary"
	"sort"
)

const maxName = 32 // bytes, of any format

// waitingList is the deltas that wait for what they lean on, in the order of
// that: its name or its offset, then the entry of the delta. Of those upon one
// thing the first also has the entry of that, plus one, once it is known.
type waitingList struct {
	records
	keySize int
}

// newWaitingList is of records that have no room for what is known yet.
func newWaitingList(sorted *sorter) (waitingList, error) {
	l := waitingList{records{scratch: sorted.scratch, size: sorted.size + 4}, sorted.size - 4}
	err := sorted.each(func(record []byte) {
		added, _ := l.add()
		clear(added[copy(added, record):])
	})
	return l, err
}

func (l *waitingList) key(i int) []byte { return l.at(i)[:l.keySize] }

// find is where those upon something begin.
func (l *waitingList) find(key []byte) (at int, some bool) {
	return sort.Find(l.count, func(i int) int { return bytes.Compare(key, l.key(i)) })
}

// known is the entry of what those that find has found lean on.
func (l *waitingList) known(at int, some bool) (entry int, known bool) {
	if !some {
		return 0, false
	}
	found := binary.BigEndian.Uint32(l.at(at)[l.keySize+4:])
	return int(found) - 1, found > 0
}

func (l *waitingList) know(at, entry int) {
	binary.BigEndian.PutUint32(l.edit(at)[l.keySize+4:], uint32(entry+1))
}

// wayUp leads to one delta after another upon something.
type wayUp struct {
	list *waitingList
	key  [maxName]byte
	at   int
}

func (w *wayUp) next() (entry int, some bool) {
	if w.at >= w.list.count || !bytes.Equal(w.list.key(w.at), w.key[:w.list.keySize]) {
		return 0, false
	}
	w.at++
	return int(binary.BigEndian.Uint32(w.list.at(w.at - 1)[w.list.keySize:])), true
}
