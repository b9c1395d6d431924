package status

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"

	sd "github.com/coreos/go-systemd/v22/journal"
)

// The priorities of sd-daemon(3) that stand before a line of the journal.
const (
	priorityError   = "<3>"
	priorityWarning = "<4>"
	priorityInfo    = "<6>"
	priorityDebug   = "<7>"
)

// NewJournal returns a handler for systemd's journal, which has the time of a
// line itself and its priority from what stands before it. The rest is text.
func NewJournal(w io.Writer, level slog.Level) slog.Handler {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && len(groups) == 0 {
			return slog.Attr{}
		}
		return a
	}}
	text := func(priority string) slog.Handler {
		return slog.NewTextHandler(prioritised{w, priority}, options)
	}
	return journal{text(priorityError), text(priorityWarning), text(priorityInfo), text(priorityDebug)}
}

// journal has a handler for each priority.
type journal struct{ err, warning, info, debug slog.Handler }

func (j journal) of(level slog.Level) slog.Handler {
	switch {
	case level >= slog.LevelError:
		return j.err
	case level >= slog.LevelWarn:
		return j.warning
	case level >= slog.LevelInfo:
		return j.info
	}
	return j.debug
}

func (j journal) each(change func(slog.Handler) slog.Handler) slog.Handler {
	return journal{change(j.err), change(j.warning), change(j.info), change(j.debug)}
}

func (j journal) Enabled(ctx context.Context, level slog.Level) bool {
	return j.of(level).Enabled(ctx, level)
}

func (j journal) Handle(ctx context.Context, r slog.Record) error {
	return j.of(r.Level).Handle(ctx, r)
}

func (j journal) WithAttrs(attrs []slog.Attr) slog.Handler {
	return j.each(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

func (j journal) WithGroup(name string) slog.Handler {
	return j.each(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

// prioritised puts the priority before what is one line a call.
type prioritised struct {
	to       io.Writer
	priority string
}

func (w prioritised) Write(p []byte) (int, error) {
	if _, err := w.to.Write(bytes.Join([][]byte{[]byte(w.priority), p}, nil)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// ToJournal tells whether systemd's journal reads what is written to w.
func ToJournal(w io.Writer) bool {
	reads, _ := sd.StderrIsJournalStream()
	return reads && w == os.Stderr
}
