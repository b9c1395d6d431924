package git

import (
	"errors"

	"github.com/go-git/go-git/v5/plumbing"
)

var (
	errEntry    = errors.New("damaged pack entry")
	errTooLarge = errors.New("an object is too large")
)

const (
	maxEntryHead = 32       // bytes, rounded up
	maxObject    = 1 << 29  // bytes held in memory; git makes no deltas of larger ones either
	streamAbove  = 4 << 20  // bytes; larger blobs go to their file in pieces
	entrySlack   = 64 << 10 // bytes that a zlib stream may take beyond twice what is in it
)

// entryHead is what stands before the data of an object in a pack,
// gitformat-pack(5).
type entryHead struct {
	kind   plumbing.ObjectType
	size   int64         // inflated
	back   int64         // of an offset delta: how far before it the base begins
	base   plumbing.Hash // of a reference delta
	length int           // of the head itself
}

// parseEntryHead fails with errShort if more bytes could help.
func parseEntryHead(b []byte) (entryHead, error) {
	var h entryHead
	next := func() byte {
		if h.length >= len(b) {
			h.length = len(b) + 1
			return 0
		}
		h.length++
		return b[h.length-1]
	}
	c := next()
	h.kind, h.size = plumbing.ObjectType(c>>4&7), int64(c&15)
	for shift := 4; c&0x80 != 0; shift += 7 {
		if shift > 53 {
			return h, errEntry
		}
		c = next()
		h.size |= int64(c&0x7f) << shift
	}
	switch h.kind {
	case plumbing.CommitObject, plumbing.TreeObject, plumbing.BlobObject, plumbing.TagObject:
	case plumbing.OFSDeltaObject:
		c = next()
		h.back = int64(c & 0x7f)
		for c&0x80 != 0 {
			if h.back >= 1<<48 {
				return h, errEntry
			}
			c = next()
			h.back = (h.back+1)<<7 | int64(c&0x7f)
		}
	case plumbing.REFDeltaObject:
		if len(b) >= h.length+len(h.base) {
			copy(h.base[:], b[h.length:])
		}
		h.length += len(h.base)
	default:
		if len(b) > 0 {
			return h, errEntry
		}
	}
	if h.length > len(b) {
		return h, errShort
	}
	return h, nil
}

// appendEntryHead writes the head of an entry that is no delta.
func appendEntryHead(b []byte, kind plumbing.ObjectType, size int64) []byte {
	c := byte(kind)<<4 | byte(size&15)
	for size >>= 4; size > 0; size >>= 7 {
		b = append(b, c|0x80)
		c = byte(size & 0x7f)
	}
	return append(b, c)
}

// appendDeltaHead writes the head of a delta whose base begins back bytes
// before it.
func appendDeltaHead(b []byte, size, back int64) []byte {
	b = appendEntryHead(b, plumbing.OFSDeltaObject, size)
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

func (h entryHead) delta() bool {
	return h.kind == plumbing.OFSDeltaObject || h.kind == plumbing.REFDeltaObject
}

// packed bounds what the zlib stream of an entry may take, whoever made it.
func (h entryHead) packed() int { return int(2*h.size) + entrySlack }
