package inflate

import (
	"encoding/binary"
	"errors"
)

var (
	// ErrDamaged says that a stream is no zlib stream.
	ErrDamaged = errors.New("damaged zlib stream")
	// ErrShort says that a stream ends too early.
	ErrShort = errors.New("zlib stream cut short")
)

// Inflater unpacks zlib streams (RFC 1950, 1951) whose size is known, at once
// and from memory, which takes about half the time of compress/zlib. It leaves
// the Adler checksum alone: whatever comes out of it is hashed. The zero value
// is ready; it is for one goroutine.
type Inflater struct {
	in  []byte
	pos int    // of the next byte of in
	acc uint64 // bits taken from in, the next one lowest
	n   int    // how many of them count

	out []byte
	op  int // of the next byte of out

	literals  [literalTable]symbol
	distances [distanceTable]symbol
	lengths   [320]uint8
	fixed     bool // the tables are those of fixed codes
}

// Inflate fills out with what the stream at the beginning of in holds and says
// how many bytes the stream has. Unless out is filled exactly, it fails: with
// errShort if more input could help.
func (f *Inflater) Inflate(out, in []byte) (int, error) {
	if len(in) < 2 {
		return 0, ErrShort
	}
	if in[0]&15 != 8 || in[0]>>4 > 7 || in[1]&32 != 0 || (uint(in[0])<<8|uint(in[1]))%31 != 0 {
		return 0, ErrDamaged
	}
	f.in, f.pos, f.acc, f.n = in, 2, 0, 0
	f.out, f.op = out, 0
	defer func() { f.in, f.out = nil, nil }()
	for last := false; !last; {
		head, ok := f.take(3)
		if !ok {
			return 0, ErrShort
		}
		last = head&1 != 0
		var err error
		switch head >> 1 {
		case 0:
			err = f.stored()
		case 1:
			if err = f.fixedCodes(); err == nil {
				err = f.compressed()
			}
		case 2:
			if err = f.dynamicCodes(); err == nil {
				err = f.compressed()
			}
		default:
			err = ErrDamaged
		}
		if err != nil {
			return 0, err
		}
	}
	f.pos -= f.n / 8
	if f.op != len(out) {
		return 0, ErrDamaged
	}
	if f.pos += 4; f.pos > len(in) {
		return 0, ErrShort
	}
	return f.pos, nil
}

// refill has at least 56 bits ready, or all that are left.
func (f *Inflater) refill() {
	for f.n <= 56 && f.pos < len(f.in) {
		f.acc |= uint64(f.in[f.pos]) << f.n
		f.pos++
		f.n += 8
	}
}

func (f *Inflater) take(n int) (uint, bool) {
	if f.n < n {
		if f.refill(); f.n < n {
			return 0, false
		}
	}
	v := uint(f.acc) & (1<<n - 1)
	f.acc >>= n
	f.n -= n
	return v, true
}

func (f *Inflater) stored() error {
	f.acc >>= f.n & 7
	f.n &^= 7
	size, ok := f.take(16)
	check, ok2 := f.take(16)
	if !ok || !ok2 {
		return ErrShort
	}
	if size != ^check&0xffff || int(size) > len(f.out)-f.op {
		return ErrDamaged
	}
	f.pos -= f.n / 8
	f.acc, f.n = 0, 0
	if int(size) > len(f.in)-f.pos {
		return ErrShort
	}
	f.op += copy(f.out[f.op:], f.in[f.pos:f.pos+int(size)])
	f.pos += int(size)
	return nil
}

// damaged tells a code that nothing stands for from one that is not all there.
func (f *Inflater) damaged() error {
	if f.n < maxCodeBits {
		return ErrShort
	}
	return ErrDamaged
}

// compressed reads one block. The fields it uses most are in variables.
func (f *Inflater) compressed() error {
	in, out, pos, acc, n, op := f.in, f.out, f.pos, f.acc, f.n, f.op
	for {
		// 48 bits are the most that a length and a distance take.
		if pos+8 <= len(in) {
			acc |= binary.LittleEndian.Uint64(in[pos:]) << n
			pos += (63 - n) >> 3
			n |= 56
		} else {
			for ; n <= 56 && pos < len(in); pos++ {
				acc |= uint64(in[pos]) << n
				n += 8
			}
		}
		s := f.literals[acc&(1<<literalBits-1)]
		for s&kindMask == isLiteral && n >= maxCodeBits && op < len(out) {
			out[op] = byte(s.value())
			op++
			acc >>= s.length()
			n -= int(s.length())
			s = f.literals[acc&(1<<literalBits-1)]
		}
		if n < 48 && pos < len(in) {
			continue
		}
		if s&kindMask == isTable {
			s = f.literals[s.value()+int(acc>>literalBits&(1<<s.extra()-1))]
		}
		f.n = n
		if s == 0 {
			return f.damaged()
		}
		acc >>= s.length()
		if n -= int(s.length()); n < 0 {
			return ErrShort
		}
		switch s & kindMask {
		case isLiteral:
			if op == len(out) {
				return ErrDamaged
			}
			out[op] = byte(s.value())
			op++
			continue
		case isEnd:
			f.pos, f.acc, f.n, f.op = pos, acc&(1<<n-1), n, op
			return nil
		}
		length := s.value() + int(acc&(1<<s.extra()-1))
		acc >>= s.extra()
		n -= int(s.extra())
		d := f.distances[acc&(1<<distanceBits-1)]
		if d&kindMask == isTable {
			d = f.distances[d.value()+int(acc>>distanceBits&(1<<d.extra()-1))]
		}
		f.n = n
		if d == 0 {
			return f.damaged()
		}
		acc >>= d.length()
		distance := d.value() + int(acc&(1<<d.extra()-1))
		acc >>= d.extra()
		if n -= int(d.length() + d.extra()); n < 0 {
			return ErrShort
		}
		if distance > op || length > len(out)-op {
			return ErrDamaged
		}
		repeat(out, op, distance, length)
		op += length
	}
}

// repeat copies what lies distance bytes back, which may overlap what it writes.
func repeat(out []byte, op, distance, length int) {
	from, end := op-distance, op+length
	if distance >= 8 && end+8 <= len(out) {
		for ; op < end; op, from = op+8, from+8 { // writes up to 7 bytes too many, which are still to come
			binary.LittleEndian.PutUint64(out[op:], binary.LittleEndian.Uint64(out[from:]))
		}
		return
	}
	for op < end {
		op += copy(out[op:end], out[from:op])
	}
}
