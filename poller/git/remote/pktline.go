package remote

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/bittrance/kitops/poller/git/object"
)

const maxPkt = 65520 // bytes, gitprotocol-common(5)

// pktKind is what a pkt-line is.
type pktKind int

const (
	pktData pktKind = iota
	pktFlush
	pktDelim
	pktEnd
)

var errPkt = errors.New("the server does not speak git's protocol")

// serverError is what a server says instead of an answer.
type serverError struct{ text string }

func (e *serverError) Error() string { return fmt.Sprintf("the server says: %.200q", e.text) }

// oddError is how an answer begins that is none of git's protocol: often the
// text of a shell, a proxy or a sign-in page, which says why.
type oddError struct{ text string }

func (e *oddError) Error() string { return fmt.Sprintf("%s: it answers %.200q", errPkt, e.text) }

func (e *oddError) Unwrap() error { return errPkt }

// pktReader reads pkt-lines, gitprotocol-common(5).
type pktReader struct {
	format object.Format // of the names in it
	r      *bufio.Reader
	line   []byte
	left   int  // bytes of a pack in the present line
	raw    bool // the pack comes without bands

	service bool // the preface of http is being read
}

func newPktReader(r io.Reader) *pktReader {
	p := pktReaders.Get().(*pktReader) //nolint:forcetypeassert // there is nothing else in it
	buffer, line := p.r, p.line
	buffer.Reset(r)
	*p = pktReader{r: buffer, line: line}
	return p
}

// pktReaders are those that nobody uses. Their buffers were a third of what a poll costs.
var pktReaders = sync.Pool{New: func() any { return &pktReader{r: bufio.NewReaderSize(nil, maxPkt)} }} //nolint:gochecknoglobals // a pool is for all

// release gives the reader's buffers to the next one. It is not used any more.
func (p *pktReader) release() {
	p.r.Reset(nil)
	pktReaders.Put(p)
}

func (p *pktReader) length() (int, pktKind, error) {
	var head [4]byte
	if n, err := io.ReadFull(p.r, head[:]); err != nil {
		if n > 0 && errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			err = fmt.Errorf("the answer is cut short: %w", io.ErrUnexpectedEOF)
		}
		return 0, 0, err
	}
	n, err := strconv.ParseUint(string(head[:]), 16, 16)
	switch {
	case err != nil || n == 3 || n > maxPkt:
		return 0, 0, p.odd(string(head[:]))
	case n < 3:
		return 0, []pktKind{pktFlush, pktDelim, pktEnd}[n], nil
	}
	return int(n) - 4, pktData, nil
}

// odd quotes an answer from what was read of it, as far as more is here.
func (p *pktReader) odd(read string) error {
	rest, _ := p.r.Peek(min(p.r.Buffered(), 160)) // at once, since no more may come
	return &oddError{strings.TrimSpace(read + string(rest))}
}

// next reads a line, without its newline. It is valid until the next call.
func (p *pktReader) next() (string, pktKind, error) {
	n, kind, err := p.length()
	if err != nil || kind != pktData {
		return "", kind, err
	}
	if cap(p.line) < n {
		p.line = make([]byte, maxPkt)
	}
	if _, err := io.ReadFull(p.r, p.line[:n]); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return "", kind, fmt.Errorf("the answer is cut short: %w", err)
	}
	line := strings.TrimSuffix(string(p.line[:n]), "\n")
	if text, bad := strings.CutPrefix(line, "ERR "); bad {
		return "", kind, &serverError{text}
	}
	return line, kind, nil
}

// Read gives the pack that comes in the first of three bands; the second is for
// people, the third for errors.
func (p *pktReader) Read(b []byte) (int, error) {
	if p.raw {
		return p.r.Read(b)
	}
	for p.left == 0 {
		n, kind, err := p.length()
		switch {
		case err != nil:
			return 0, err
		case kind != pktData:
			return 0, io.EOF
		case n == 0:
			continue
		}
		band, err := p.r.ReadByte()
		if err != nil {
			return 0, err
		}
		if p.left = n - 1; band == 1 {
			continue
		}
		text := make([]byte, p.left)
		if _, err := io.ReadFull(p.r, text); err != nil {
			return 0, err
		}
		if p.left = 0; band != 2 {
			return 0, &serverError{strings.TrimSpace(string(text))}
		}
	}
	n, err := p.r.Read(b[:min(len(b), p.left)])
	p.left -= n
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("the answer is cut short: %w", io.ErrUnexpectedEOF)
	}
	return n, err
}

func pkt(lines ...string) []byte {
	var b []byte
	for _, line := range lines {
		switch line {
		case flush, delim:
			b = append(b, line...)
		default:
			b = append(fmt.Appendf(b, "%04x", len(line)+5), line+"\n"...)
		}
	}
	return b
}

const (
	flush = "0000"
	delim = "0001"
)
