package settings

import (
	"fmt"
	"io"
	"strings"
)

// WriteHelp describes every option with its variable and its default.
// It never shows what is set.
func (all Options) WriteHelp(w io.Writer) {
	group := ""
	for _, o := range all {
		usage := o.Tag.Get("usage")
		if usage == "" {
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
