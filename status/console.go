package status

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/bittrance/kitops/poller"
)

// shortest is how many columns a name is left with on the narrowest terminal.
const shortest = 8

// Console is a slog.Handler whose lines a person reads in passing: the time of
// day, which task, ref and revision, the action and what it prints behind a
// bar, or what happened and what comes next. What else it knows no name for
// follows as key=value. One line is one call of Write.
type Console struct {
	Level  slog.Level
	Colour bool
	Width  func() int // of the terminal, for which names are shortened; nil or 0: they are not

	Underway *Underway // the terminal, if its last line may be rewritten; nil: it may not

	to    *sharedWriter
	attrs []slog.Attr
	group string
}

// NewConsole returns a handler that writes to w.
func NewConsole(w io.Writer, c Console) *Console {
	c.to = &sharedWriter{to: w}
	return &c
}

// sharedWriter is what a handler and those made of it write to.
type sharedWriter struct {
	mu sync.Mutex
	to io.Writer
}

// Enabled implements slog.Handler.
func (c *Console) Enabled(_ context.Context, level slog.Level) bool {
	return level >= c.Level || level == levelProgress && c.Underway != nil
}

// WithAttrs implements slog.Handler.
func (c *Console) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *c
	with.attrs = slices.Clip(c.attrs)
	for _, a := range attrs {
		with.attrs = append(with.attrs, c.named(a))
	}
	return &with
}

// WithGroup implements slog.Handler.
func (c *Console) WithGroup(name string) slog.Handler {
	with := *c
	with.group += name + "."
	return &with
}

func (c *Console) named(a slog.Attr) slog.Attr {
	a.Key = c.group + a.Key
	return a
}

// Handle implements slog.Handler.
func (c *Console) Handle(_ context.Context, r slog.Record) error {
	l := consoleLine{at: r.Time, level: r.Level, text: Printable(r.Message)}
	for _, a := range c.attrs {
		l.take(a)
	}
	r.Attrs(func(a slog.Attr) bool { l.take(c.named(a)); return true })
	width := 0
	if c.Width != nil {
		width = c.Width()
	}
	if r.Level == levelProgress {
		c.Underway.Set(l.runID, l.underway(width))
		return nil
	}
	text := l.write(palette(c.Colour), width)
	c.to.mu.Lock()
	defer c.to.mu.Unlock()
	_, err := io.WriteString(c.to.to, text)
	return err
}

// consoleLine is a record, by what a person asks of it.
type consoleLine struct {
	at                              time.Time
	level                           slog.Level
	text                            string // the message, or what the action printed
	printed                         bool   // by the action
	task, instance                  string
	run                             poller.Run // its revision
	runID, action                   string
	progress                        progress
	outcome, took, reason, err, due string
	attempt                         int64
	rest                            []string
}

func (l *consoleLine) take(a slog.Attr) {
	switch v := a.Value.Any().(type) {
	case source:
		l.printed, l.action, l.run = true, v.Action, v.Run
		return
	case moment:
		l.due = v.near(l.at)
		return
	case progress:
		l.progress = v
		return
	}
	v := a.Value.Resolve()
	switch a.Key {
	case "task":
		l.task = v.String()
	case "instance":
		l.instance = v.String()
	case "ref":
		l.run.Revision.Ref = v.String()
	case "sha":
		l.run.Revision.SHA = v.String()
	case "action":
		l.action = v.String()
	case "outcome":
		l.outcome = v.String()
	case "took":
		l.took = v.String()
	case "reason":
		l.reason = v.String()
	case "err":
		l.err = v.String()
	case "attempt":
		l.attempt = v.Int64()
	case "run": // no name for people
		l.runID = v.String()
	default:
		if v.Kind() == slog.KindTime {
			v = slog.StringValue(moment(v.Time()).near(l.at))
		}
		l.rest = append(l.rest, a.Key+"="+spaceless(v.String()))
	}
}

// spaceless quotes a value that would not be told from what follows.
func spaceless(s string) string {
	if s == "" || strings.ContainsAny(s, ` "=`) {
		return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"`
	}
	return s
}

func (l *consoleLine) write(p palette, width int) string {
	var b strings.Builder
	b.WriteString(p.dim(l.at.Format(time.TimeOnly)) + l.about(p, width))
	if l.printed {
		b.WriteString(" " + Printable(shortened(width/8, l.action)[0]) + p.dim(" │ ") + l.text)
	} else {
		b.WriteString(" " + l.sentence(p))
	}
	b.WriteByte('\n')
	return b.String()
}

// about is the task, the ref and the revision that a line is about.
func (l *consoleLine) about(p palette, width int) string {
	var b strings.Builder
	for _, name := range shortened(width/4, l.task, l.run.Revision.Name()) {
		if name != "" {
			b.WriteString(" " + Printable(name))
		}
	}
	if sha := l.run.Revision.SHA; sha != "" {
		b.WriteString(" " + p.dim(Printable(sha[:min(7, len(sha))])))
	}
	return b.String()
}

// underway is how far the run is, "" when that is over.
func (l *consoleLine) underway(width int) string {
	if l.progress.Over {
		return ""
	}
	return strings.TrimPrefix(l.about(false, width), " ") + " " + l.progress.String()
}

// sentence is what happened, in what way, and what comes next.
func (l *consoleLine) sentence(p palette) string {
	var b strings.Builder
	switch {
	case l.outcome != "" && l.took != "": // the end of a run
		b.WriteString(p.outcome(l.outcome))
		b.WriteString(" in " + l.took)
	case l.level >= slog.LevelError:
		b.WriteString(p.red("error") + " " + l.text)
	case l.level >= slog.LevelWarn:
		b.WriteString(p.yellow("warning") + " " + l.text)
	case l.level < slog.LevelInfo:
		b.WriteString(p.dim(l.text))
	default:
		b.WriteString(l.text)
	}
	if l.attempt > 1 {
		b.WriteString(", attempt " + strconv.FormatInt(l.attempt, 10))
	}
	for _, part := range []string{l.action, l.reason, l.err} {
		if part != "" {
			b.WriteString(": " + Printable(part))
		}
	}
	if l.instance != "" && l.task == "" {
		l.rest = append(l.rest, "instance="+spaceless(l.instance))
	}
	for _, part := range l.rest {
		b.WriteString(" " + p.dim(Printable(part)))
	}
	switch {
	case l.due != "" && l.outcome != "":
		b.WriteString("; next try " + l.due)
	case l.due != "":
		b.WriteString("; next " + l.due)
	}
	return b.String()
}

// shortened cuts the longest names until all of them fit into so many columns,
// but none below the shortest; with no limit it leaves them as they are.
func shortened(limit int, names ...string) []string {
	longest, sum := 0, 0
	for _, name := range names {
		n := utf8.RuneCountInString(name)
		longest, sum = max(longest, n), sum+n
	}
	for limit > 0 && sum > limit && longest > shortest {
		longest, sum = longest-1, 0
		for _, name := range names {
			sum += min(longest, utf8.RuneCountInString(name))
		}
	}
	short := make([]string, len(names))
	for i, name := range names {
		short[i] = clipped(name, longest)
	}
	return short
}

// clipped leaves out the middle of a name, since both of its ends tell more.
func clipped(name string, limit int) string {
	runes := []rune(name)
	if len(runes) <= limit {
		return name
	}
	head := limit / 2
	return string(runes[:head]) + "…" + string(runes[len(runes)-(limit-head-1):])
}

// palette paints, or does not.
type palette bool

func (p palette) paint(code, text string) string {
	if !p || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p palette) dim(text string) string    { return p.paint("2", text) }
func (p palette) red(text string) string    { return p.paint("31", text) }
func (p palette) yellow(text string) string { return p.paint("33", text) }

func (p palette) outcome(text string) string {
	if text == string(poller.Success) {
		return p.paint("32", text)
	}
	return p.red(text)
}
