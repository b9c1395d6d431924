package pack

import (
	"errors"

	"github.com/bittrance/kitops/poller/git/inflate"
	"github.com/bittrance/kitops/poller/git/object"
)

var errEntry = errors.New("damaged pack entry")

// Limits of entries.
const (
	maxEntryHead = 48       // bytes, rounded up
	MaxObject    = 1 << 29  // bytes held in memory; git makes no deltas of larger ones either
	entrySlack   = 64 << 10 // bytes that a zlib stream may take beyond twice what is in it
)

// EntryHead is what stands before the data of an object in a pack,
// gitformat-pack(5).
type EntryHead struct {
	Kind   object.Kind
	Size   int64     // inflated
	Back   int64     // of an offset delta: how far before it the base begins
	Base   object.ID // of a reference delta
	Length int       // of the head itself
}

// parseEntryHead fails with errShort if more bytes could help.
func parseEntryHead(b []byte, f object.Format) (EntryHead, error) {
	var h EntryHead
	next := func() byte {
		if h.Length >= len(b) {
			h.Length = len(b) + 1
			return 0
		}
		h.Length++
		return b[h.Length-1]
	}
	c := next()
	h.Kind, h.Size = object.Kind(c>>4&7), int64(c&15)
	for shift := 4; c&0x80 != 0; shift += 7 {
		if shift > 53 {
			return h, errEntry
		}
		c = next()
		h.Size |= int64(c&0x7f) << shift
	}
	switch h.Kind {
	case object.KindCommit, object.KindTree, object.KindBlob, object.KindTag:
	case object.KindOffsetDelta:
		c = next()
		h.Back = int64(c & 0x7f)
		for c&0x80 != 0 {
			if h.Back >= 1<<48 {
				return h, errEntry
			}
			c = next()
			h.Back = (h.Back+1)<<7 | int64(c&0x7f)
		}
	case object.KindRefDelta:
		if len(b) >= h.Length+f.Size() {
			h.Base = f.ID(b[h.Length:])
		}
		h.Length += f.Size()
	default:
		if len(b) > 0 {
			return h, errEntry
		}
	}
	if h.Length > len(b) {
		return h, inflate.ErrShort
	}
	return h, nil
}

// AppendEntryHead writes the head of an entry that is no delta.
func AppendEntryHead(b []byte, kind object.Kind, size int64) []byte {
	c := byte(kind)<<4 | byte(size&15)
	for size >>= 4; size > 0; size >>= 7 {
		b = append(b, c|0x80)
		c = byte(size & 0x7f)
	}
	return append(b, c)
}

// AppendDeltaHead writes the head of a delta whose base begins back bytes
// before it.
func AppendDeltaHead(b []byte, size, back int64) []byte {
	b = AppendEntryHead(b, object.KindOffsetDelta, size)
	var digits [10]byte
	i := len(digits) - 1
	digits[i] = byte(back & 0x7f)
	for back >>= 7; back > 0; back >>= 7 {
		back--
		i--
		digits[i] = 0x80 | byte(back&0x7f)
	}
	return append(b, digits[i:]...)
}

// Delta says whether the entry leans on another one.
func (h EntryHead) Delta() bool {
	return h.Kind == object.KindOffsetDelta || h.Kind == object.KindRefDelta
}

// packed bounds what the zlib stream of an entry may take, whoever made it.
func (h EntryHead) packed() int { return int(2*h.Size) + entrySlack }
