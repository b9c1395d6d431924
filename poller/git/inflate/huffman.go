package inflate

import (
	"math/bits"
)

const (
	literalBits  = 9 // of a code, looked up at once; longer codes take a second look
	distanceBits = 8
	maxCodeBits  = 15

	// A second table serves two codes at least, so there are at most half as many as codes.
	literalTable  = 1<<literalBits + (288/2)<<(maxCodeBits-literalBits)
	distanceTable = 1<<distanceBits + (32/2)<<(maxCodeBits-distanceBits)
)

// symbol is what a Huffman code stands for: the bits of the code, those of
// extra data behind it, a kind and a value. Zero is no code at all.
type symbol uint32

const (
	isLiteral symbol = 1 << 8
	isBase    symbol = 2 << 8 // of a length or a distance; extra bits are added to it
	isEnd     symbol = 3 << 8
	isTable   symbol = 4 << 8 // the value is where the second table begins, extra its width in bits
	kindMask  symbol = 7 << 8
)

func newSymbol(kind symbol, value, extra int) symbol {
	return kind | symbol(value)<<16 | symbol(extra)<<4
}

func (s symbol) length() uint { return uint(s & 15) }

func (s symbol) extra() uint { return uint(s>>4) & 15 }

func (s symbol) value() int { return int(s >> 16) }

// buildTable makes the lookup table for codes of the given lengths, RFC 1951
// 3.2.2. It fails on lengths that no encoder gives.
func buildTable(table []symbol, width uint, lengths []uint8, meaning func(code int) symbol) bool {
	var count, next [maxCodeBits + 1]int
	used, longest := 0, uint(0)
	for _, n := range lengths {
		if n > 0 {
			count[n]++
			used++
			longest = max(longest, uint(n))
		}
	}
	code, space := 0, 1
	for n := 1; n <= maxCodeBits; n++ {
		space = space<<1 - count[n]
		if space < 0 {
			return false
		}
		code = (code + count[n-1]) << 1
		next[n] = code
	}
	if space > 0 && (used > 1 || longest > 1) {
		return false // incomplete; one lonely code is the exception
	}
	clear(table[:1<<width])
	free := 1 << width
	for sym, n := range lengths {
		if n == 0 {
			continue
		}
		code := bits.Reverse16(uint16(next[n])) >> (16 - n)
		next[n]++
		if s := meaning(sym); s != 0 {
			free = enter(table, width, free, longest, uint(code), uint(n), s|symbol(n))
		}
	}
	return true
}

// enter puts in one code, and begins a second table where it is the first of
// the long codes that share their beginning.
func enter(table []symbol, width uint, free int, longest, code, length uint, s symbol) int {
	if length <= width {
		for i := code; i < 1<<width; i += 1 << length {
			table[i] = s
		}
		return free
	}
	first := code & (1<<width - 1)
	deep := longest - width
	if table[first] == 0 {
		table[first] = newSymbol(isTable, free, int(deep)) | symbol(width)
		clear(table[free : free+1<<deep])
		free += 1 << deep
	}
	second := table[table[first].value():]
	for i := code >> width; i < 1<<deep; i += 1 << (length - width) {
		second[i] = s
	}
	return free
}
