package changes

import (
	"fmt"
	"strings"
)

// Lines are the paths as git diff --name-only prints them with core.quotePath off: one a line, in quotes where a name has
// what would break that.
func (l List) Lines() string {
	var b strings.Builder
	for _, path := range l {
		b.WriteString(quoted(path.Name))
		b.WriteByte('\n')
	}
	return b.String()
}

// quoted is a name as git writes it.
func quoted(name string) string {
	if !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '"' || r == '\\' }) {
		return name
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(name) {
		c := name[i]
		switch at := strings.IndexByte("\a\b\t\n\v\f\r\"\\", c); {
		case at >= 0:
			b.WriteByte('\\')
			b.WriteByte(`abtnvfr"\`[at])
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
