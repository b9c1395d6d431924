package status

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"golang.org/x/term"
)

// Terminal says what a terminal, if there is one, is spared.
type Terminal struct {
	Plain bool // colour
	Still bool // a last line that is rewritten
}

// NewLogger returns a logger that never waits for its reader. It logs to w in the
// configured format, by default for people at a terminal, for systemd's journal
// where that reads, and as JSON for everything else. What is queued is written when
// the queue is closed.
func NewLogger(w io.Writer, c Config, terminal Terminal) (*slog.Logger, *LogQueue) {
	if c.LogFormat == "" {
		c.LogFormat = "json"
		switch {
		case isTerminal(w):
			c.LogFormat = "console"
		case ToJournal(w):
			c.LogFormat = "journal"
		}
	}
	console := Console{}
	var queue *LogQueue
	to := w
	if file, ok := w.(*os.File); ok && isTerminal(w) {
		escapes := showsEscapes(file)
		console.Colour = !terminal.Plain && escapes
		console.Width = func() int {
			width, _, _ := term.GetSize(int(file.Fd())) // 0 where it has none
			return width
		}
		if escapes && !terminal.Still && c.LogFormat == "console" {
			console.Underway = NewUnderway(w, console.Width, func() { queue.Refresh() })
			to = console.Underway
		}
	}
	queue = NewLogQueue(to, func(w io.Writer, lines int) {
		newLogger(w, c, console).Warn("log lines were dropped: the log is not read, or cannot be written", "lines", lines)
	})
	if console.Underway != nil {
		queue.last = console.Underway.Clear
	}
	return newLogger(queue, c, console), queue
}

func newLogger(w io.Writer, c Config, console Console) *slog.Logger {
	log := slog.New(newHandler(w, c, console))
	if c.Instance != "" {
		log = log.With("instance", c.Instance)
	}
	return log
}

func newHandler(w io.Writer, c Config, console Console) slog.Handler {
	_ = console.Level.UnmarshalText([]byte(c.LogLevel)) // it was checked with the settings
	switch c.LogFormat {
	case "console":
		return NewConsole(w, console)
	case "journal":
		return NewJournal(w, console.Level)
	case "text":
		return slog.NewTextHandler(w, &slog.HandlerOptions{Level: console.Level}) // it quotes what is not printable
	}
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: console.Level, ReplaceAttr: readable})
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// readable makes of every value what a person would grep for.
func readable(_ []string, a slog.Attr) slog.Attr {
	switch v := a.Value.Any().(type) {
	case string:
		a.Value = slog.StringValue(Printable(v))
	case time.Duration:
		a.Value = slog.StringValue(v.String())
	case error, fmt.Stringer:
		if _, isTime := v.(time.Time); !isTime && a.Key != slog.LevelKey {
			a.Value = slog.StringValue(Printable(fmt.Sprint(v)))
		}
	}
	return a
}
