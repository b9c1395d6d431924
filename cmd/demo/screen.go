package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// screen is where the story is told.
type screen struct {
	out    io.Writer
	colour bool
}

// newScreen uses colour on a terminal, unless NO_COLOR (https://no-color.org) objects.
func newScreen(f *os.File) screen {
	plain := os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb"
	return screen{out: f, colour: !plain && term.IsTerminal(int(f.Fd()))}
}

func (s screen) title(text string) {
	fmt.Fprintf(s.out, "\n%s\n", s.painted("1", text))
}

// say prints a line of the play: who does something, and what.
func (s screen) say(who, format string, args ...any) {
	colours := map[string]string{"you": "36", "github": "35"}
	fmt.Fprintf(s.out, "%s %s\n", s.painted(colours[who], fmt.Sprintf("%-7s", who)), fmt.Sprintf(format, args...))
}

// quote prints what somebody else wrote, set apart.
func (s screen) quote(text string) {
	fmt.Fprintf(s.out, "        %s %s\n", s.painted("2", "|"), text)
}

func (s screen) painted(colour, text string) string {
	if !s.colour || colour == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// brief is a duration as people say it.
func brief(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
