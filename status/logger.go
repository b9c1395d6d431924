package status

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"golang.org/x/term"
)

// NewLogger returns a logger that never waits for its reader. It logs to w in the
// configured format, by default text for people at a terminal and JSON for
// everything else. What is queued is written when the queue is closed.
func NewLogger(w io.Writer, c Config) (*slog.Logger, *LogQueue) {
	format := c.LogFormat
	if format == "" {
		format = "json"
		if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
			format = "text"
		}
	}
	queue := NewLogQueue(w, func(w io.Writer, lines int) {
		newLogger(w, format, c).Warn("log lines were dropped: the log is not read, or cannot be written", "lines", lines)
	})
	return newLogger(queue, format, c), queue
}

func newLogger(w io.Writer, format string, c Config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // it was checked with the settings
	var handler slog.Handler
	if format == "text" {
		handler = slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}) // it quotes what is not printable
	} else {
		handler = slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: readable})
	}
	log := slog.New(handler)
	if c.Instance != "" {
		log = log.With("instance", c.Instance)
	}
	return log
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
