package attributes

import (
	"strings"
)

// bracket matches a byte against the set that begins at p, and says where the
// pattern goes on. Nothing is in a set that is not well formed.
func bracket(pattern string, p int, c byte) (in bool, next int) {
	at := func(i int) byte { // a pattern has no NUL
		if i < len(pattern) {
			return pattern[i]
		}
		return 0
	}
	p++
	negated := at(p) == '!' || at(p) == '^'
	if negated {
		p++
	}
	var low byte // where a range may begin; 0: nowhere
	for first := true; first || at(p) != ']'; first = false {
		b := at(p)
		switch {
		case b == '-' && low != 0 && at(p+1) != 0 && at(p+1) != ']':
			p++
			if at(p) == '\\' {
				p++
			}
			in = in || c >= low && c <= at(p)
			b = 0
		case b == '[' && at(p+1) == ':':
			end := strings.IndexByte(pattern[p+2:], ']')
			if end < 0 {
				return false, p
			}
			if name := pattern[p+2 : p+2+end]; strings.HasSuffix(name, ":") {
				known, member := class(name[:len(name)-1], c)
				if !known {
					return false, p
				}
				in = in || member
				p += 2 + end
				b = 0
				break
			}
			in = in || c == b
		case b == '\\':
			p++
			b = at(p)
			in = in || c == b
		default:
			in = in || c == b
		}
		if at(p) == 0 {
			return false, p
		}
		low = b
		p++
	}
	return in != negated && c != '/', p + 1
}

// class says whether a byte is in [:name:], and whether there is such a class.
func class(name string, c byte) (known, member bool) {
	lower, upper, digit := c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9'
	graph := c > ' ' && c < 0x7f
	switch name {
	case "alnum":
		return true, lower || upper || digit
	case "alpha":
		return true, lower || upper
	case "blank":
		return true, c == ' ' || c == '\t'
	case "cntrl":
		return true, c < ' ' || c == 0x7f
	case "digit":
		return true, digit
	case "graph":
		return true, graph
	case "lower":
		return true, lower
	case "print":
		return true, graph || c == ' '
	case "punct":
		return true, graph && !lower && !upper && !digit
	case "space":
		return true, c == ' ' || c == '\t' || c == '\n' || c == '\r'
	case "upper":
		return true, upper
	case "xdigit":
		return true, digit || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
	}
	return false, false
}
