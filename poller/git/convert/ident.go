package convert

import (
	"bytes"
	"io"
)

const (
	identHead = "$Id"
	maxIdent  = 1 << 20 // bytes of an old ident that are held until its end is seen
)

// expandIdents replaces $Id$ and $Id: … $ in a whole blob, as git does where
// text=auto is set too. An ident with a space inside is of another system and stays.
func expandIdents(content []byte, id string) []byte {
	var out []byte
	done, rest := 0, content
	for {
		begin := bytes.IndexByte(rest, '$')
		if begin < 0 {
			break
		}
		rest = rest[begin+1:]
		length := identLength(rest)
		if length < 0 {
			break
		}
		if length == 0 {
			continue
		}
		out = append(out, content[done:len(content)-len(rest)]...)
		out = append(out, "Id: "+id+" $"...)
		rest = rest[length:]
		done = len(content) - len(rest)
	}
	if done == 0 {
		return content
	}
	return append(out, content[done:]...)
}

// identLength is how much behind a $ is an ident to replace: 0 if none is, -1
// if there can be none up to the end.
func identLength(text []byte) int {
	switch {
	case bytes.HasPrefix(text, []byte("Id$")):
		return 3
	case !bytes.HasPrefix(text, []byte("Id:")):
		return 0
	}
	inside := bytes.IndexByte(text[3:], '$')
	if inside < 0 {
		return -1
	}
	old := text[3 : 3+inside]
	if bytes.IndexByte(old, '\n') >= 0 {
		return 0
	}
	if len(old) > 1 {
		if space := bytes.IndexByte(old[1:], ' '); space >= 0 && space < len(old)-2 {
			return 0
		}
	}
	return 3 + inside + 1
}

// identWriter replaces $Id$ and $Id: … $ in what goes through it, as git does
// where text=auto is not set. close writes what is still held.
type identWriter struct {
	w      io.Writer
	ident  string
	seen   int    // bytes of $Id, or of that and a NUL
	held   []byte // from $Id: on
	passes bool   // up to the next $ or line feed
	out    []byte
}

func newIdentWriter(w io.Writer, id string) *identWriter {
	return &identWriter{w: w, ident: identHead + ": " + id + " $"}
}

func (i *identWriter) Write(p []byte) (int, error) {
	i.out = i.out[:0]
	for rest := p; len(rest) > 0; rest = rest[1:] {
		if i.seen == 0 && len(i.held) == 0 && !i.passes {
			plain := bytes.IndexByte(rest, '$')
			if plain < 0 {
				i.out = append(i.out, rest...)
				break
			}
			i.out = append(i.out, rest[:plain]...)
			rest = rest[plain:]
		}
		switch c := rest[0]; {
		case i.passes:
			i.out = append(i.out, c)
			i.passes = c != '$' && c != '\n'
		case len(i.held) > 0:
			i.hold(c)
		default:
			i.take(c)
		}
	}
	if _, err := i.w.Write(i.out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// take looks for the beginning of an ident. That a NUL may follow is git's.
func (i *identWriter) take(c byte) {
	const head = identHead + "\x00"
	if i.seen < len(head) && head[i.seen] == c {
		i.seen++
		return
	}
	seen := i.seen
	i.seen = 0
	switch {
	case seen == len(identHead) && c == '$':
		i.out = append(i.out, i.ident...)
	case seen == len(identHead) && c == ':':
		i.held = append(i.held[:0], "$Id:"...)
	default:
		i.out = append(append(i.out, head[:seen]...), c)
	}
}

// hold keeps an old ident until its end says what becomes of it.
func (i *identWriter) hold(c byte) {
	i.held = append(i.held, c)
	ended := c == '$' || c == '\n'
	switch {
	case c == '$' && !foreignIdent(i.held):
		i.out = append(i.out, i.ident...)
	case ended, len(i.held) > maxIdent:
		i.out = append(i.out, i.held...)
		i.passes = !ended
	default:
		return
	}
	i.held = i.held[:0]
}

func (i *identWriter) close() error {
	rest := append([]byte((identHead + "\x00")[:i.seen]), i.held...)
	i.seen, i.held = 0, nil
	_, err := i.w.Write(rest)
	return err
}

// foreignIdent says whether an ident is of another system: there is a space in
// it that does not end it. git looks as far as a NUL.
func foreignIdent(held []byte) bool {
	old, ok := bytes.CutPrefix(held, []byte("$Id: "))
	if !ok {
		return false
	}
	for i, c := range old {
		switch c {
		case 0:
			return false
		case ' ', '\t', '\n', '\r':
			if old[i+1] != '$' { // a $ ends it
				return true
			}
		}
	}
	return false
}
