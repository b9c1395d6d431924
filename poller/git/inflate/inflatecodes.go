package inflate

// fixedCodes are those of RFC 1951 3.2.6, which stay from one small stream to the next.
func (f *Inflater) fixedCodes() error {
	if f.fixed {
		return nil
	}
	for i := range f.lengths {
		switch {
		case i < 144:
			f.lengths[i] = 8
		case i < 256:
			f.lengths[i] = 9
		case i < 280:
			f.lengths[i] = 7
		case i < 288:
			f.lengths[i] = 8
		default:
			f.lengths[i] = 5
		}
	}
	err := f.build(f.lengths[:288], f.lengths[288:])
	f.fixed = err == nil
	return err
}

func (f *Inflater) build(literals, distances []uint8) error {
	if !buildTable(f.literals[:], literalBits, literals, literalMeaning) ||
		!buildTable(f.distances[:], distanceBits, distances, distanceMeaning) {
		return ErrDamaged
	}
	return nil
}

// dynamicCodes reads the code lengths of a block, RFC 1951 3.2.7.
func (f *Inflater) dynamicCodes() error {
	head, ok := f.take(14)
	if !ok {
		return ErrShort
	}
	literals, distances, codes := int(head&31)+257, int(head>>5&31)+1, int(head>>10)+4
	if literals > 286 || distances > 30 {
		return ErrDamaged
	}
	var lengths [19]uint8
	for i := range codes {
		n, ok := f.take(3)
		if !ok {
			return ErrShort
		}
		lengths["\x10\x11\x12\x00\x08\x07\x09\x06\x0a\x05\x0b\x04\x0c\x03\x0d\x02\x0e\x01\x0f"[i]] = uint8(n)
	}
	f.fixed = false
	// The table of distances is free until the lengths are known.
	if !buildTable(f.distances[:], distanceBits, lengths[:], func(code int) symbol { return newSymbol(isLiteral, code, 0) }) {
		return ErrDamaged
	}
	if err := f.readLengths(f.lengths[:literals+distances]); err != nil {
		return err
	}
	if f.lengths[256] == 0 {
		return ErrDamaged // a block without an end
	}
	return f.build(f.lengths[:literals], f.lengths[literals:literals+distances])
}

func (f *Inflater) readLengths(lengths []uint8) error {
	for i := 0; i < len(lengths); {
		f.refill()
		s := f.distances[f.acc&(1<<distanceBits-1)]
		if s == 0 {
			return f.damaged()
		}
		f.acc >>= s.length()
		if f.n -= int(s.length()); f.n < 0 {
			return ErrShort
		}
		value, repeat, extra := uint8(0), 1, 0
		switch code := s.value(); {
		case code < 16:
			value = uint8(code)
		case code == 16 && i == 0:
			return ErrDamaged
		case code == 16:
			value, repeat, extra = lengths[i-1], 3, 2
		case code == 17:
			repeat, extra = 3, 3
		default:
			repeat, extra = 11, 7
		}
		more, ok := f.take(extra)
		if !ok {
			return ErrShort
		}
		if repeat += int(more); repeat > len(lengths)-i {
			return ErrDamaged
		}
		for range repeat {
			lengths[i] = value
			i++
		}
	}
	return nil
}

func literalMeaning(code int) symbol {
	switch {
	case code < 256:
		return newSymbol(isLiteral, code, 0)
	case code == 256:
		return newSymbol(isEnd, 0, 0)
	case code < 265:
		return newSymbol(isBase, code-254, 0)
	case code < 285:
		extra := (code - 261) / 4
		return newSymbol(isBase, 3+(4+(code-261)%4)<<extra, extra)
	case code == 285:
		return newSymbol(isBase, 258, 0)
	}
	return 0
}

func distanceMeaning(code int) symbol {
	switch {
	case code < 4:
		return newSymbol(isBase, code+1, 0)
	case code < 30:
		extra := code/2 - 1
		return newSymbol(isBase, 1+(2+code%2)<<extra, extra)
	}
	return 0
}
