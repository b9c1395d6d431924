package page

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/bittrance/kitops/status/history"
)

const (
	// windowSize is how much of what a run printed one page shows, in bytes.
	windowSize = 256 << 10
	// block is how many lines the browser lays out together, when they come into sight.
	block = 100

	heartbeat  = 15 * time.Second
	flushPause = 100 * time.Millisecond
	stalled    = 10 * time.Second // how long a viewer may not read before it is cut off; it resumes
)

// window is a part of what a run printed.
type window struct {
	Blocks  []template.HTML // of whole lines
	Tail    template.HTML   // a line that has not ended
	From    int64           // bytes
	To      int64
	Size    int64
	Place   string // to go on from, live
	Ended   bool
	AtStart bool
	AtEnd   bool
}

// windowOf reads a window that begins or ends at a byte, or is at the end.
func windowOf(out *history.Output, from, before string) (window, error) {
	size, ended, err := out.Size()
	if err != nil {
		return window{}, err
	}
	w := window{Size: size, Ended: ended, To: size}
	if n, err := strconv.ParseInt(from, 10, 64); err == nil && n >= 0 {
		w.From = min(n, size)
		w.To = min(size, w.From+windowSize)
	} else {
		if n, err := strconv.ParseInt(before, 10, 64); err == nil && n >= 0 {
			w.To = min(n, size)
		}
		w.From = max(0, w.To-windowSize)
	}
	data := make([]byte, w.To-w.From)
	n, err := out.ReadAt(data, w.From)
	if err != nil && !errors.Is(err, io.EOF) {
		return window{}, err
	}
	data = w.align(data[:n], from == "")
	w.AtStart, w.AtEnd = w.From == 0, w.To == size
	w.render(data)
	return w, nil
}

// align makes a window begin with a line, if it was not asked for by its beginning, and end with one, if there are any.
func (w *window) align(data []byte, start bool) []byte {
	if start && w.From > 0 {
		skip := bytes.IndexByte(data, '\n') + 1
		for skip == 0 && skip < len(data) && skip < utf8.UTFMax && !utf8.RuneStart(data[skip]) {
			skip++
		}
		if skip < len(data) {
			data, w.From = data[skip:], w.From+int64(skip)
		}
	}
	w.To = w.From + int64(len(data))
	if w.To < w.Size {
		if end := bytes.LastIndexByte(data, '\n') + 1; end > 0 {
			data = data[:end]
		}
	}
	w.To = w.From + int64(len(data))
	return data
}

func (w *window) render(data []byte) {
	t := &terminal{at: w.From, start: w.From}
	var b strings.Builder
	lines := 0
	flush := func() {
		if lines > 0 {
			w.Blocks = append(w.Blocks, template.HTML(b.String())) //nolint:gosec // the terminal escapes
		}
		lines = 0
		b.Reset()
	}
	t.write(data, func(html string) {
		b.WriteString(html)
		b.WriteByte('\n')
		if lines++; lines == block {
			flush()
		}
	})
	flush()
	w.Tail = template.HTML(t.html()) //nolint:gosec // as above
	w.Place = t.place()
}

// message is one event of a live log.
type message struct {
	Lines string `json:"lines"` // HTML
	Tail  string `json:"tail"`  // of the line that has not ended
	Place string `json:"place"`
	Ended bool   `json:"ended"`
}

// live follows what a run prints, as HTML: as events, or with poll what there is now.
func (s *Server) live(c echo.Context, v visit) error {
	r := c.Request()
	out, err := v.api.Output(r.Context(), c.Param("run"))
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	place := r.Header.Get("Last-Event-ID")
	if place == "" {
		place = c.QueryParam("from")
	}
	viewer := &viewer{s: s, out: out, terminal: resume(place)}
	viewer.offset = viewer.terminal.at
	if c.QueryParams().Has("poll") {
		m, err := viewer.next()
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, m)
	}
	ctx, done, err := s.follow(r.Context(), v.session)
	if err != nil {
		c.Response().Header().Set("Retry-After", "10")
		return echo.NewHTTPError(http.StatusServiceUnavailable, err.Error())
	}
	defer done()
	header := c.Response().Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-cache, no-transform")
	header.Set("X-Accel-Buffering", "no")
	viewer.follow(ctx, c.Response())
	return nil
}

// viewer is one browser that looks on.
type viewer struct {
	s        *Server
	out      *history.Output
	terminal *terminal
	offset   int64
}

// next is what has come, up to a chunk of it.
func (v *viewer) next() (m message, err error) {
	size, ended, err := v.out.Size()
	if err != nil {
		return m, err
	}
	var lines strings.Builder
	v.s.buffers.with(func(buf []byte) {
		for v.offset < size && lines.Len() < 4*chunk {
			n, failed := v.out.ReadAt(buf[:min(chunk, size-v.offset)], v.offset)
			if n == 0 {
				err = failed
				return
			}
			v.offset += int64(n)
			v.terminal.write(buf[:n], func(html string) {
				lines.WriteString(html)
				lines.WriteByte('\n')
			})
		}
	})
	return message{lines.String(), v.terminal.html(), v.terminal.place(), ended && v.offset >= size}, err
}

// follow sends what there is and what comes, until the run ends or nobody looks on any more.
func (v *viewer) follow(ctx context.Context, w http.ResponseWriter) {
	control := http.NewResponseController(w)
	send := func(text []byte) error {
		if err := control.SetWriteDeadline(time.Now().Add(stalled)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
		return control.Flush()
	}
	for first := true; ctx.Err() == nil; first = false {
		before := v.offset
		m, err := v.next()
		if err != nil {
			return
		}
		if first || v.offset > before || m.Ended {
			data, err := json.Marshal(m)
			if err != nil || send(fmt.Appendf(nil, "id: %s\ndata: %s\n\n", m.Place, data)) != nil {
				return
			}
		}
		if m.Ended {
			return
		}
		waiting, cancel := context.WithTimeout(ctx, heartbeat)
		_, _, err = v.out.Wait(waiting, v.offset)
		silent := waiting.Err() != nil
		cancel()
		if silent && ctx.Err() == nil {
			if send([]byte(": still there\n\n")) != nil {
				return
			}
		} else if err != nil {
			return
		}
		select {
		case <-time.After(flushPause):
		case <-ctx.Done():
		}
	}
}

// download is all of it, as it was printed.
func (s *Server) download(c echo.Context, v visit) error {
	out, err := v.api.Output(c.Request().Context(), c.Param("run"))
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	size, _, err := out.Size()
	if err != nil {
		return err
	}
	header := c.Response().Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Content-Disposition", `attachment; filename="kitops.log"`)
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, io.NewSectionReader(out, 0, size))
	return nil
}
