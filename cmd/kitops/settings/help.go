package settings

import (
	"fmt"
	"io"
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
		fmt.Fprintf(w, "  %-44s %s\n      %s\n", head, o.Variable(), usage)
	}
}
