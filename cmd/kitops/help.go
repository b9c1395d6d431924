package main

import (
	"fmt"
	"io"
)

// writeHelp describes every option with its variable and its default.
// It never shows what is set.
func (all options) writeHelp(w io.Writer) {
	group := ""
	for _, o := range all {
		usage := o.tag.Get("usage")
		if usage == "" {
			continue // a variable that the usage of its flag names
		}
		if o.group != group {
			group = o.group
			fmt.Fprintf(w, "\n%s:\n", group)
		}
		head := "--" + o.flag()
		if value := o.tag.Get("value"); value != "" {
			head += " " + value
		}
		if o.fallback != "" && o.fallback != "false" {
			usage += " (default: " + o.fallback + ")"
		}
		fmt.Fprintf(w, "  %-44s %s\n      %s\n", head, o.variable(), usage)
	}
}
