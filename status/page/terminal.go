package page

import (
	"fmt"
	"html"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxCells bounds how wide a line is: a longer one goes on in the next.
	maxCells = 4096
	// maxSequence bounds a control sequence, in bytes: what is longer is none.
	maxSequence = 256
	tabStop     = 8
	// maxOverwritten is how many bytes of a line are read again to go on with it: progress bars write one line for hours.
	maxOverwritten = 64 << 10
)

// cell is one character of a line, and how it looks.
type cell struct {
	text  rune
	style style
}

// terminal turns what a program printed for a terminal into HTML: colours, carriage return, backspace
// and erasing within a line. All other sequences are dropped; nothing becomes a link, an image or markup.
// The zero terminal is at the beginning of a line.
type terminal struct {
	cells    []cell
	column   int
	style    style
	sequence []byte // that has begun, from its ESC on
	rest     []byte // the beginning of a character

	at    int64 // how many bytes it has taken
	start int64 // where the line began, or what is needed of it
	first style // there
}

// write takes output, and calls line with the HTML of each line that has ended with it.
func (t *terminal) write(data []byte, line func(html string)) {
	if len(t.rest) > 0 {
		data = append(t.rest, data...)
		t.rest = nil
	}
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 && !utf8.FullRune(data) {
			t.rest = append([]byte(nil), data...)
			return
		}
		t.put(r, data[:size], line)
		t.at += int64(size)
		if r == '\n' || r == '\r' && t.at-t.start > maxOverwritten {
			t.start, t.first = t.at, t.style
		}
		data = data[size:]
	}
}

func (t *terminal) put(r rune, raw []byte, line func(html string)) {
	if len(t.sequence) > 0 && t.inSequence(r, raw) {
		return
	}
	switch r {
	case '\n':
		line(t.html())
		t.cells, t.column = t.cells[:0], 0
	case '\r':
		t.column = 0
	case '\b':
		t.column = max(t.column-1, 0)
	case '\t':
		for range tabStop - t.column%tabStop { // counted before: at the end of a line the column begins anew
			t.set(' ', line)
		}
	case 0x1b:
		t.sequence = append(t.sequence[:0], 0x1b)
	default:
		if unicode.IsPrint(r) {
			t.set(r, line)
		} else if !unicode.IsControl(r) { // it would change how the rest reads
			for _, c := range fmt.Sprintf("\\u%04x", r) {
				t.set(c, line)
			}
		}
	}
}

func (t *terminal) set(r rune, line func(html string)) {
	if t.column == maxCells {
		line(t.html())
		t.cells, t.column = t.cells[:0], 0
		t.start, t.first = t.at, t.style
	}
	for len(t.cells) <= t.column {
		t.cells = append(t.cells, cell{text: ' '})
	}
	t.cells[t.column] = cell{r, t.style}
	t.column++
}

// inSequence takes one more character of a control sequence (ECMA-48), and tells whether it is one.
func (t *terminal) inSequence(r rune, raw []byte) bool {
	if len(t.sequence) >= maxSequence || r == '\n' {
		t.sequence = t.sequence[:0]
		return false
	}
	if r == 0x1b {
		if len(t.sequence) > 1 && text(t.sequence[1]) { // the first half of its end
			t.sequence = append(t.sequence, 0x1b)
		} else { // another begins
			t.sequence = append(t.sequence[:0], 0x1b)
		}
		return true
	}
	before := t.sequence
	t.sequence = append(t.sequence, raw...)
	switch {
	case len(before) > 1 && text(before[1]): // until BEL or ESC \
		if r == 0x07 || before[len(before)-1] == 0x1b && len(before) > 2 {
			t.sequence = t.sequence[:0]
		}
	case len(before) > 1 && before[1] == '[': // until its final character
		if r >= 0x40 && r <= 0x7e || r < 0x20 || r > 0x7e {
			t.obey(string(before[2:]), r)
			t.sequence = t.sequence[:0]
		}
	case len(before) == 1 && (r == '[' || r < utf8.RuneSelf && text(byte(r))):
	case r < 0x20 || r > 0x2f: // ESC, intermediates, and one more
		t.sequence = t.sequence[:0]
	}
	return true
}

// text tells whether what follows ESC begins a sequence with a text in it: a title, a link, an image.
func text(kind byte) bool { return strings.IndexByte("]PX^_", kind) >= 0 }

// obey does what a control sequence says, if it is one of the few.
func (t *terminal) obey(parameters string, final rune) {
	switch final {
	case 'm':
		t.style = t.style.with(parameters)
	case 'K':
		t.erase(parameters)
	}
}

func (t *terminal) erase(what string) {
	from, to := 0, len(t.cells)
	switch what {
	case "", "0":
		from = t.column
	case "1":
		to = min(t.column+1, len(t.cells))
	case "2":
	default:
		return
	}
	for i := from; i < to; i++ {
		t.cells[i] = cell{text: ' '}
	}
	if to == len(t.cells) {
		t.cells = t.cells[:min(from, to)]
	}
}

// html is the line as it stands.
func (t *terminal) html() string {
	var b, piece strings.Builder
	now := style(0)
	flush := func() {
		if piece.Len() == 0 {
			return
		}
		if classes := now.classes(); classes != "" {
			b.WriteString(`<span class="` + classes + `">` + html.EscapeString(piece.String()) + "</span>")
		} else {
			b.WriteString(html.EscapeString(piece.String()))
		}
		piece.Reset()
	}
	for _, c := range t.cells {
		if c.style != now {
			flush()
			now = c.style
		}
		piece.WriteRune(c.text)
	}
	flush()
	return b.String()
}

// place is where to go on from, and how, so that nothing is missing and nothing comes twice.
func (t *terminal) place() string {
	return strconv.FormatInt(t.start, 10) + "." + strconv.FormatUint(uint64(t.first), 36)
}

// resume is a terminal at a place. Nonsense is the beginning.
func resume(place string) *terminal {
	offset, how, _ := strings.Cut(place, ".")
	t := &terminal{}
	if at, err := strconv.ParseInt(offset, 10, 64); err == nil && at > 0 {
		t.at, t.start = at, at
	}
	if n, err := strconv.ParseUint(how, 36, 32); err == nil {
		t.style = style(n) & allStyles
		t.first = t.style
	}
	return t
}
