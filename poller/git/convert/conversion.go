package convert

import (
	"bytes"
)

// Conversion says how the content of a blob becomes that of a file, as
// gitattributes(5) and git's checkout have it. 0 is byte for byte. The numbers
// are kept with workdirs: they must never mean anything else.
type Conversion uint8

// The conversions, which may be combined.
const (
	CRLF  Conversion = 1 // every line feed without a carriage return before it gets one
	Auto  Conversion = 2 // only with others: CRLF where git takes the content for text, $Id$ as git does it then
	Ident Conversion = 4 // $Id$ becomes $Id: and the name of the blob
	LFS   Conversion = 8 // alone: the content is the one that the blob points to, which others fetch
)

// Apply converts a whole blob. The result may be the content itself.
func (c Conversion) Apply(content []byte, id string) []byte {
	switch {
	case c&Ident == 0:
	case c&Auto != 0:
		content = expandIdents(content, id)
	default:
		content = c.streamed(content, id)
	}
	if c&CRLF == 0 || c&Auto != 0 && !isText(content) {
		return content
	}
	return addCarriageReturns(content)
}

// streamed expands idents as they are where nothing else is to be known of the
// file: git has two ways, which differ where one $ closes and opens.
func (c Conversion) streamed(content []byte, id string) []byte {
	var out bytes.Buffer
	w := newIdentWriter(&out, id)
	_, _ = w.Write(content) // a buffer takes all
	_ = w.close()
	return out.Bytes()
}

func isText(content []byte) bool {
	var probe TextProbe
	_, _ = probe.Write(content) // never fails
	return probe.Text()
}

// addCarriageReturns puts one before every line feed that has none.
func addCarriageReturns(content []byte) []byte {
	lone := bytes.Count(content, []byte("\n")) - bytes.Count(content, []byte("\r\n"))
	if lone == 0 {
		return content
	}
	out := make([]byte, 0, len(content)+lone)
	for len(content) > 0 {
		end := bytes.IndexByte(content, '\n')
		if end < 0 {
			break
		}
		out = append(out, content[:end]...)
		if end == 0 || content[end-1] != '\r' {
			out = append(out, '\r')
		}
		out = append(out, '\n')
		content = content[end+1:]
	}
	return append(out, content...)
}

// TextProbe finds out whether content is text that text=auto converts, by the
// rules of git's convert.c: no carriage return, no NUL, and at most one odd
// byte for 128 others. Content may come in pieces.
type TextProbe struct {
	refused    bool
	plain, odd int64
	last       byte
}

func (t *TextProbe) Write(p []byte) (int, error) {
	if t.refused || len(p) == 0 {
		return len(p), nil
	}
	if bytes.IndexByte(p, '\r') >= 0 || bytes.IndexByte(p, 0) >= 0 {
		t.refused = true
		return len(p), nil
	}
	odd, newlines := 0, 0
	for _, c := range p {
		switch {
		case c >= ' ' && c != 0x7f, c == '\t', c == '\b', c == '\f', c == 0x1b:
		case c == '\n':
			newlines++
		default:
			odd++
		}
	}
	t.odd += int64(odd)
	t.plain += int64(len(p) - odd - newlines)
	t.last = p[len(p)-1]
	return len(p), nil
}

// Text says whether all that was written is text to git.
func (t *TextProbe) Text() bool {
	odd := t.odd
	if t.last == 0x1a { // the end of a file of DOS
		odd--
	}
	return !t.refused && t.plain>>7 >= odd
}
