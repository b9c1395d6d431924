package page

import "strings"

// Plain is what a line that a program printed for a terminal looks like there in the end, without its colours. A line that is
// wider than the page's comes in several.
func Plain(line string) []string {
	var all []string
	t := &terminal{}
	t.write([]byte(line), func(string) { all = append(all, t.plain()) })
	return append(all, t.plain())
}

// plain is the line as it stands, without its colours.
func (t *terminal) plain() string {
	var b strings.Builder
	for _, c := range t.cells {
		b.WriteRune(c.text)
	}
	return strings.TrimRight(b.String(), " ")
}
