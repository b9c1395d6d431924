package settings

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// aside are the options that a command takes, so that it can be called with
// those of the run, and makes nothing of.
func aside(command string) []string {
	switch command {
	case "doctor":
		return []string{"POLL_ONCE", "LOG_FORMAT", "LOG_LEVEL", "MAX_PARALLEL", "INTERVAL", "TIMEOUT", "STATUS_URL", "DELIVERIES_INTERVAL"}
	case "check":
		return []string{"POLL_ONCE"}
	}
	return nil
}

// WriteHelp describes every option of a command with its variable and its
// default. It never shows what is set.
func (all Options) WriteHelp(w io.Writer, command string) {
	group, unused := "", aside(command)
	for _, o := range all {
		usage := o.Tag.Get("usage")
		if usage == "" || slices.Contains(unused, o.key) {
			continue // a variable that the usage of its flag names
		}
		if o.group != group {
			group = o.group
			fmt.Fprintf(w, "\n%s:\n", group)
		}
		head := "--" + o.Flag()
		if value := o.Tag.Get("value"); value != "" {
			head += " " + value
		}
		if o.Fallback != "" && o.Fallback != "false" {
			usage += " (default: " + o.Fallback + ")"
		}
		fmt.Fprintf(w, "  %-44s %s\n      %s\n", head, o.Variable(), Wrapped(usage, 6))
	}
	if len(unused) > 0 {
		fmt.Fprint(w, "\nThe other flags of kitops run are taken, too, and make no difference here.\n")
	}
	fmt.Fprint(w, "\nEvery flag has the variable beside it; the flag wins. A task's own key in the\ntask file wins over both.\n")
}

// helpWidth is that of a terminal since there are some.
const helpWidth = 80

// Wrapped breaks a text that begins in a column between words, so that no line
// is longer than 80 characters.
func Wrapped(text string, column int) string {
	var b strings.Builder
	at := column
	for i, word := range strings.Fields(text) {
		switch length := len([]rune(word)); {
		case i == 0:
			at += length
		case at+1+length > helpWidth:
			b.WriteString("\n" + strings.Repeat(" ", column))
			at = column + length
		default:
			b.WriteString(" ")
			at += 1 + length
		}
		b.WriteString(word)
	}
	return b.String()
}
