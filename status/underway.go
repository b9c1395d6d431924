package status

import (
	"bytes"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/bittrance/kitops/poller"
)

// levelProgress is the level of what passes by: below all that can be asked for,
// so that only a terminal whose last line is rewritten hears of it.
const levelProgress = slog.LevelDebug - 4

const (
	// erase clears the line that the cursor is in.
	erase = "\r\x1b[K"
	// unwrapped and wrapped have a terminal cut a line at its edge, or go on below (DECAWM).
	unwrapped, wrapped = "\x1b[?7l", "\x1b[?7h"
)

// Underway is a terminal whose last line tells what takes long: it is erased
// before other lines, and rewritten after them. It is safe for concurrent use.
type Underway struct {
	to      io.Writer
	width   func() int
	refresh func() // has Write called soon, also with nothing; it does not wait

	mu    sync.Mutex
	going []going // in the order in which they began
	drawn bool
}

// going is one checkout that takes long.
type going struct {
	run  string
	text string
}

// NewUnderway returns a terminal without such a line yet. Width is that of the
// terminal, 0 for no end.
func NewUnderway(to io.Writer, width func() int, refresh func()) *Underway {
	return &Underway{to: to, width: width, refresh: refresh}
}

// Set says how far a run is, "" that there is nothing more to tell of it.
func (u *Underway) Set(run, text string) {
	u.mu.Lock()
	i := slices.IndexFunc(u.going, func(g going) bool { return g.run == run })
	switch {
	case i < 0 && text != "":
		u.going = append(u.going, going{run, text})
	case i >= 0 && text != "":
		u.going[i].text = text
	case i >= 0:
		u.going = slices.Delete(u.going, i, i+1)
	}
	u.mu.Unlock()
	u.refresh()
}

// Clear ends the line for good.
func (u *Underway) Clear() {
	u.mu.Lock()
	u.going = nil
	u.mu.Unlock()
	u.refresh()
}

// Write implements [io.Writer] for whole lines, or for none, which only draws anew.
// One goroutine at a time may call it.
func (u *Underway) Write(p []byte) (int, error) {
	text := u.around(p)
	if len(text) == 0 {
		return 0, nil
	}
	if err := writeAll(u.to, text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// around is other lines in the place of the last one, and that below them.
func (u *Underway) around(p []byte) []byte {
	u.mu.Lock()
	defer u.mu.Unlock()
	var b bytes.Buffer
	if u.drawn {
		b.WriteString(erase)
	}
	b.Write(p)
	line := u.line()
	if u.drawn = line != ""; u.drawn {
		b.WriteString(unwrapped + line + wrapped)
	}
	return b.Bytes()
}

// line is as much of what is under way as fits.
func (u *Underway) line() string {
	var b strings.Builder
	width := u.width()
	for i, g := range u.going {
		rest := ""
		if left := len(u.going) - i - 1; left > 0 {
			rest = "; " + strconv.Itoa(left) + " more"
		}
		if columns := utf8.RuneCountInString(b.String() + g.text + rest); i > 0 && width > 0 && columns+2 > width {
			b.WriteString("; " + strconv.Itoa(len(u.going)-i) + " more")
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(g.text)
	}
	return b.String()
}

// progress is how far a checkout is, for people.
type progress poller.Progress

func (p progress) String() string {
	var parts []string
	if p.Bytes > 0 {
		parts = append(parts, "fetched "+bytesOf(p.Bytes))
	}
	switch {
	case p.Planned > 0:
		parts = append(parts, grouped(p.Files)+" of "+grouped(p.Planned)+" files")
	case p.Files > 0:
		parts = append(parts, grouped(p.Files)+" files")
	}
	return strings.Join(parts, ", ")
}

// bytesOf is a number of bytes as people say it.
func bytesOf(n int64) string {
	const units = "kMGT"
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	value, unit := float64(n)/1000, 0
	for value >= 1000 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + " " + units[unit:unit+1] + "B"
}

// grouped is a number with its thousands apart.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
