package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/bittrance/kitops/status/history"
)

// keptTail is how much of a run's output is kept for those who follow it, in bytes as they are sent.
const keptTail = 1 << 20

// tails are the runs that somebody follows: each is read once, for all who do.
type tails struct {
	mu   sync.Mutex
	runs map[string]*tail
}

// tail is the end of what a run prints.
type tail struct {
	out     *history.Output
	viewers int // guarded by the mu of tails
	end     func()

	mu      sync.Mutex
	chunks  []chunk // the latest, one behind the other
	size    int     // of them, as they are sent
	offset  int64   // behind them
	ended   bool
	failed  bool          // it cannot be read on
	changed chan struct{} // closed with the next change
}

// chunk is a part of what a run prints, as it is sent to everybody.
type chunk struct {
	begin, end  int64
	text, event []byte
}

func (c chunk) of(events bool) []byte {
	if events {
		return c.event
	}
	return c.text
}

// join makes a viewer one of those who follow a run, which closes out when nobody does any more.
func (all *tails) join(ctx context.Context, run string, out *history.Output) (t *tail, leave func()) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if t = all.runs[run]; t != nil {
		_ = out.Close()
	} else {
		t = &tail{out: out, changed: make(chan struct{})}
		t.begin(context.WithoutCancel(ctx))
		if all.runs == nil {
			all.runs = map[string]*tail{}
		}
		all.runs[run] = t
	}
	t.viewers++
	return t, func() {
		all.mu.Lock()
		t.viewers--
		last := t.viewers == 0
		if last {
			delete(all.runs, run)
		}
		all.mu.Unlock()
		if last {
			t.end()
			_ = t.out.Close()
		}
	}
}

// begin has the tail read until end is called. What there is by now, viewers read for themselves.
func (t *tail) begin(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	size, _, err := t.out.Size()
	if err == nil && size > 0 {
		t.offset = size
		last := max(0, size-utf8.UTFMax)
		if c, err := readChunk(t.out, last, size, false); err == nil {
			t.offset = c.end // not in the middle of a character
		}
	}
	var reading sync.WaitGroup
	reading.Go(func() { t.read(ctx) })
	t.end = func() { cancel(); reading.Wait() }
}

func (t *tail) read(ctx context.Context) {
	for offset := t.offset; ; {
		size, ended, err := t.out.Wait(ctx, offset)
		var all []chunk
		for err == nil && offset < size {
			var c chunk
			c, err = readChunk(t.out, offset, min(size, offset+maxChunk), ended && size-offset <= maxChunk)
			if err != nil || c.end == offset {
				break // or a character has not come whole
			}
			all, offset = append(all, c), c.end
		}
		t.add(all, offset, ended, err)
		if ended || err != nil {
			return
		}
		pause(ctx, flushPause)
	}
}

// add hands on what has come.
func (t *tail) add(all []chunk, offset int64, ended bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range all {
		t.chunks, t.size = append(t.chunks, c), t.size+len(c.event)
	}
	for t.size > keptTail && len(t.chunks) > 1 {
		t.size -= len(t.chunks[0].event)
		t.chunks = slices.Clone(t.chunks[1:]) // viewers may be sending the old ones
	}
	t.offset, t.ended, t.failed = offset, ended, err != nil
	close(t.changed)
	t.changed = make(chan struct{})
}

// place is what there is for a viewer at some offset.
type place struct {
	chunks  []chunk // from there on
	behind  bool    // the viewer has to read for itself, up to until
	until   int64
	ended   bool // there is nothing and nothing comes
	failed  bool // nobody knows
	changed <-chan struct{}
}

func (t *tail) at(offset int64) place {
	t.mu.Lock()
	defer t.mu.Unlock()
	if offset >= t.offset {
		return place{ended: t.ended, failed: t.failed, changed: t.changed}
	}
	for i, c := range t.chunks {
		switch {
		case c.begin == offset:
			return place{chunks: t.chunks[i:len(t.chunks):len(t.chunks)]}
		case c.begin > offset:
			return place{behind: true, until: c.begin}
		}
	}
	return place{behind: true, until: t.offset}
}

// message is one event of a stream.
type message struct {
	Text string `json:"text"`
}

// readChunk reads what is between two offsets. Unless it is all, a character that is
// not whole at its end is left out.
func readChunk(out *history.Output, begin, end int64, all bool) (chunk, error) {
	text := make([]byte, end-begin)
	n, err := out.ReadAt(text, begin)
	if n == 0 && err != nil {
		return chunk{}, fmt.Errorf("read what a run prints: %w", errors.Join(err, io.ErrUnexpectedEOF))
	}
	if text = text[:n]; !all {
		text = whole(text)
	}
	c := chunk{begin: begin, end: begin + int64(len(text)), text: text}
	data, err := json.Marshal(message{string(text)})
	c.event = fmt.Appendf(nil, "id: %d\ndata: %s\n\n", c.end, data)
	return c, err
}

// whole is the text without the beginning of a character at its end.
func whole(text []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if tail := text[len(text)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				break
			}
			return text[:len(text)-n]
		}
	}
	return text
}
