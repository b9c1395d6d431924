package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// maxOutput is how much of what one run prints is kept, in bytes.
const maxOutput = 256 << 20

// growing is the output of a run that goes on. Its fields are guarded by the
// history's mu, but for the files, which are the writer's own.
type growing struct {
	file, times *os.File // nil when they could not be made
	size        int64
	left        int64         // bytes that will still be kept
	dropped     int64         // bytes that were not, and of which no line tells yet
	last        time.Time     // of the latest line in times
	changed     chan struct{} // closed when size has grown, or the run has ended
}

func (g *growing) close() {
	for _, f := range []*os.File{g.file, g.times} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// grow makes the files of a run that starts.
func (h *History) grow(run string) error {
	g := &growing{left: maxOutput, changed: make(chan struct{})}
	if h.keep.Bytes > 0 {
		g.left = min(g.left, h.keep.Bytes/4)
	}
	h.mu.Lock()
	h.growing[run] = g // before anybody can find the run
	h.mu.Unlock()
	var err error
	if g.file, err = h.db.output.OpenFile(run+".log", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600); err == nil {
		g.times, err = h.db.output.OpenFile(run+".times", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	}
	return said("make the file for what a run prints", err)
}

// print adds what a run has printed.
func (h *History) print(e entry) error {
	h.mu.Lock()
	g := h.growing[e.Run.ID]
	h.mu.Unlock()
	if g == nil || g.file == nil || g.times == nil {
		return nil // its start could not be written
	}
	g.dropped += e.lost
	data := e.Data
	if over := int64(len(data)) - g.left; over > 0 {
		data, g.dropped = data[:g.left], g.dropped+over
	}
	g.left -= int64(len(data))
	if len(data) > 0 && g.dropped > 0 && g.left > 0 {
		data = append(missing(g.dropped), data...)
		g.dropped = 0
	}
	return h.append(g, data, e.at)
}

// missing is the line in place of output that was not kept.
func missing(bytes int64) []byte {
	return fmt.Appendf(nil, "\n[kitops: %d bytes of output are not kept here]\n", bytes)
}

// append writes output, and says when it came: each line of times is an offset,
// and the milliseconds since 1970 at which it was reached.
func (h *History) append(g *growing, data []byte, at time.Time) error {
	if len(data) == 0 {
		return nil
	}
	n, err := g.file.Write(data)
	g.dropped += int64(len(data) - n)
	if err == nil && at.Sub(g.last) >= time.Millisecond {
		g.last = at
		_, err = fmt.Fprintf(g.times, "%d %d\n", g.size, at.UnixMilli())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	g.size += int64(n)
	close(g.changed)
	g.changed = make(chan struct{})
	return said("keep what a run prints", err)
}

// conclude says what is missing at the end of a run's output, and returns its size.
func (h *History) conclude(run string) int64 {
	h.mu.Lock()
	g := h.growing[run]
	h.mu.Unlock()
	if g == nil {
		return 0
	}
	if g.dropped > 0 && g.file != nil && g.times != nil {
		_ = h.append(g, missing(g.dropped), time.Now())
	}
	return h.sizeOf(run)
}

// shrink closes the output of a run that has ended.
func (h *History) shrink(run string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if g := h.growing[run]; g != nil {
		delete(h.growing, run)
		g.close()
		close(g.changed)
	}
}

// sizeOf is how much a run that goes on has printed.
func (h *History) sizeOf(run string) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if g := h.growing[run]; g != nil {
		return g.size
	}
	return 0
}

// Output is what a run printed, also while it prints. Many can read it, each by
// an Output of its own. End with Close.
type Output struct {
	file *os.File
	h    *History
	run  string
}

// ErrRemoved is the error of [History.Output] when somebody has removed it.
var ErrRemoved = errors.New("the output was removed")

// Output opens what a run printed. The error is fs.ErrNotExist for a run that the
// history does not know, and ErrRemoved, which it wraps with who it was.
func (h *History) Output(ctx context.Context, run string) (*Output, error) {
	db, err := h.open(ctx)
	if err != nil {
		return nil, err
	}
	row, err := db.run(ctx, run)
	if err != nil {
		return nil, err
	}
	if row.Removed != "" {
		return nil, fmt.Errorf("%w by %s", ErrRemoved, row.Removed)
	}
	file, err := db.output.OpenFile(row.ID+".log", os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("output of run %s: %w", row.ID, err)
	}
	if err != nil {
		return nil, err
	}
	return &Output{file, h, row.ID}, nil
}

// ReadAt implements [io.ReaderAt]. It returns io.EOF at the end of what there is.
func (o *Output) ReadAt(p []byte, offset int64) (int, error) { return o.file.ReadAt(p, offset) }

// Close gives the descriptor back.
func (o *Output) Close() error { return o.file.Close() }

// Size is how much there is, and whether that is all.
func (o *Output) Size() (size int64, ended bool, err error) {
	size, ended, _, err = o.look()
	return size, ended, err
}

// Wait waits until there is more than offset, or the run has ended. It returns
// what Size does.
func (o *Output) Wait(ctx context.Context, offset int64) (size int64, ended bool, err error) {
	for {
		size, ended, changed, err := o.look()
		if err != nil || ended || size > offset {
			return size, ended, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return size, false, ctx.Err()
		}
	}
}

func (o *Output) look() (size int64, ended bool, changed <-chan struct{}, err error) {
	o.h.mu.Lock()
	g := o.h.growing[o.run]
	if g != nil {
		size, changed = g.size, g.changed
	}
	o.h.mu.Unlock()
	if g != nil {
		return size, false, changed, nil
	}
	size, err = o.file.Seek(0, io.SeekEnd)
	return size, true, nil, err
}
