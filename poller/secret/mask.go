package secret

import (
	"encoding/binary"
	"io"
	"slices"
	"strings"
	"sync"
)

// Shortest is the length in bytes below which a value is not masked: hiding each
// "main" or "true" of an output would make it unreadable, and tell the secret.
const Shortest = 8

// Mask knows secrets, and hides them in what is written through its writers: as
// they are, each of their lines, and as base64, hex, addresses, JSON and commands
// such as ::error write them.
// It hides as well what looks like a token of GitHub, the credentials in an
// address, and what a line "::add-mask::VALUE" names, from there on. It may be
// used concurrently. The zero Mask knows no secret yet.
type Mask struct {
	mu     sync.RWMutex
	first  [256]bool           // the first bytes of the patterns
	by     map[uint64][]string // the patterns by their first eight bytes, longest first
	begins map[string]bool     // what a pattern begins with, of one to seven bytes
	room   int                 // bytes that patterns may still have
}

// maxPatterns bounds what an action that names masks without end costs, in bytes.
const maxPatterns = 16 << 20

// Add adds secrets, and returns how many of them cannot be masked: they are too short, or there are too many.
func (m *Mask) Add(secrets ...Text) (left int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.by == nil {
		m.by, m.begins, m.room = map[uint64][]string{}, map[string]bool{}, maxPatterns
	}
	for _, s := range secrets {
		if value := strings.TrimSpace(s.Reveal()); value != "" && (len(value) < Shortest || m.room < 0) {
			left++
			continue
		}
		for _, form := range forms(s.Reveal()) {
			m.add(form)
		}
	}
	return left
}

func (m *Mask) add(pattern string) {
	key := binary.LittleEndian.Uint64([]byte(pattern))
	if slices.Contains(m.by[key], pattern) {
		return
	}
	m.room -= len(pattern)
	m.by[key] = append(m.by[key], pattern)
	slices.SortFunc(m.by[key], func(a, b string) int { return len(b) - len(a) })
	m.first[pattern[0]] = true
	for n := 1; n < Shortest; n++ {
		m.begins[pattern[:n]] = true
	}
}

// find tells how many bytes at the beginning of data are a secret, and whether
// the bytes that follow may make it more.
func (m *Mask) find(data []byte) (n int, more bool) {
	if len(data) < Shortest {
		return 0, m.begins[string(data)]
	}
	for _, pattern := range m.by[binary.LittleEndian.Uint64(data)] {
		switch {
		case len(data) < len(pattern):
			more = more || pattern[:len(data)] == string(data)
		case string(data[:len(pattern)]) == pattern:
			return len(pattern), more
		}
	}
	return 0, more
}

// Hide returns a text without the secrets.
func (m *Mask) Hide(text string) string {
	var out strings.Builder
	w := m.Writer(&out)
	_, _ = w.Write([]byte(text)) // as below: a builder takes all
	_ = w.Close()
	return out.String()
}

// Writer returns a writer that passes everything on to out but the secrets.
// What may be the beginning of one waits for the bytes that follow, or Close.
func (m *Mask) Writer(out io.Writer) *MaskWriter {
	return &MaskWriter{mask: m, out: out, before: [3]byte{2: '\n'}}
}

// MaskWriter hides secrets, see Mask. It is for one goroutine.
type MaskWriter struct {
	// Short is called when a line ::add-mask:: names what is too short to be masked. It may be nil.
	Short func()

	mask   *Mask
	out    io.Writer
	held   []byte  // not passed on yet
	secret int     // how many bytes of held, from its beginning, are a secret that was shown as ***
	before [3]byte // the last ones before held
}

// Write takes all of p. Its error is one of the writer below.
func (w *MaskWriter) Write(p []byte) (int, error) {
	w.held = append(w.held, p...)
	if err := w.pass(false); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close passes on what waits. The writer below stays open.
func (w *MaskWriter) Close() error { return w.pass(true) }

// pass passes on what is known to be no secret; at the end, everything.
func (w *MaskWriter) pass(end bool) error {
	clear := make([]byte, 0, len(w.held))
	w.mask.mu.RLock()
	i := 0
	for ; i < len(w.held); i++ {
		n, more := 0, false
		if c := w.held[i]; c == 'g' || c == ':' || w.before[2] == '/' || w.mask.first[c] {
			n, more = w.find(w.held[i:], end)
		}
		if more && !end {
			break
		}
		if n > 0 && w.secret == 0 {
			clear = append(clear, shown...)
		}
		if w.secret = max(w.secret, n); w.secret > 0 {
			w.secret--
		} else {
			clear = append(clear, w.held[i])
		}
		w.before = [3]byte{w.before[1], w.before[2], w.held[i]}
	}
	w.mask.mu.RUnlock()
	w.held = w.held[:copy(w.held, w.held[i:])]
	if len(clear) == 0 {
		return nil
	}
	_, err := w.out.Write(clear)
	return err
}

// find tells how many bytes at the beginning of data are a secret of any kind,
// and whether the bytes that follow may make it more.
func (w *MaskWriter) find(data []byte, end bool) (n int, more bool) {
	switch {
	case w.before == [3]byte{':', '/', '/'}:
		n, more = credentials(data)
	case data[0] == ':' && w.before[2] == '\n':
		var value Text
		if value, n, more = addMask(data); value.Given() && (end || !more) {
			w.learn(value)
		}
	case data[0] == 'g' && !isToken(w.before[2]):
		n, more = token(data)
	}
	if w.mask.first[data[0]] {
		known, unsure := w.mask.find(data)
		n, more = max(n, known), more || unsure
	}
	return n, more
}

// learn adds a secret that the output itself has named.
func (w *MaskWriter) learn(value Text) {
	w.mask.mu.RUnlock()
	defer w.mask.mu.RLock()
	if w.mask.Add(value) > 0 && w.Short != nil {
		w.Short()
	}
}
