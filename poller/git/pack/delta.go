package pack

import (
	"errors"

	"github.com/bittrance/kitops/poller/git/object"
)

var errDelta = errors.New("damaged delta")

// applyDelta makes an object out of its base and the instructions of a delta,
// gitformat-pack(5). The result is never larger than limit.
func applyDelta(base, delta []byte, limit int64) ([]byte, error) {
	from, delta, ok := deltaSize(delta)
	if !ok || from != uint64(len(base)) {
		return nil, errDelta
	}
	size, delta, ok := deltaSize(delta)
	if !ok {
		return nil, errDelta
	}
	// An instruction takes a byte at least and gives 16 MiB at most.
	if size > uint64(limit) || size>>24 > uint64(len(delta)) {
		return nil, object.ErrTooLarge
	}
	out := make([]byte, 0, size)
	for len(delta) > 0 {
		op := delta[0]
		delta = delta[1:]
		var piece []byte
		if op&0x80 == 0 {
			if op == 0 || int(op) > len(delta) {
				return nil, errDelta
			}
			piece, delta = delta[:op], delta[op:]
		} else if piece, delta, ok = deltaCopy(op, base, delta); !ok {
			return nil, errDelta
		}
		if len(piece) > cap(out)-len(out) {
			return nil, errDelta
		}
		out = append(out, piece...)
	}
	if uint64(len(out)) != size {
		return nil, errDelta
	}
	return out, nil
}

// deltaCopy is a piece of the base.
func deltaCopy(op byte, base, delta []byte) (piece, rest []byte, ok bool) {
	offset, size, rest, ok := deltaPlace(op, delta)
	if !ok || offset+size > uint64(len(base)) {
		return nil, nil, false
	}
	return base[offset : offset+size], rest, true
}

// deltaPlace reads the place of a piece of the base: the bits of op tell which
// bytes of its offset and size follow.
func deltaPlace(op byte, delta []byte) (offset, size uint64, rest []byte, ok bool) {
	var fields [7]byte
	for i := range fields {
		if op&(1<<i) == 0 {
			continue
		}
		if len(delta) == 0 {
			return 0, 0, nil, false
		}
		fields[i], delta = delta[0], delta[1:]
	}
	offset = uint64(fields[0]) | uint64(fields[1])<<8 | uint64(fields[2])<<16 | uint64(fields[3])<<24
	size = uint64(fields[4]) | uint64(fields[5])<<8 | uint64(fields[6])<<16
	if size == 0 {
		size = 0x10000
	}
	return offset, size, delta, true
}

// resultSize is how large a delta says that its result is, 0 if it does not.
func resultSize(delta []byte) uint64 {
	_, rest, _ := deltaSize(delta)
	size, _, _ := deltaSize(rest)
	return size
}

func deltaSize(delta []byte) (size uint64, rest []byte, ok bool) {
	for i, b := range delta {
		if i == 9 {
			break
		}
		size |= uint64(b&0x7f) << (7 * i)
		if b&0x80 == 0 {
			return size, delta[i+1:], true
		}
	}
	return 0, nil, false
}
