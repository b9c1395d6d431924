package document

import (
	"strconv"
	"strings"
)

// What is canonical already needs no parser. These know most of it: not the numbers and keys of unusual spelling, which only a
// parser tells from strings.
const (
	mostPlainKey   = 512 // bytes
	mostPlainDepth = maxDepth / 2
)

// reader reads canonical text line by line.
type reader struct {
	rest   string // of the text, behind the line
	line   string // without its end
	over   bool   // there is none any more
	indent int    // of the line
	effort int    // as for maxEffort
}

// isCanonical tells whether text is what [Canonical] makes of it. It may say no where it is.
func isCanonical(text string) bool {
	if text == "{}\n" {
		return true
	}
	if limits(text) != nil || !strings.HasSuffix(text, "\n") {
		return false
	}
	r := reader{rest: text}
	r.next()
	return r.mapping(0, 0, 0) && r.over
}

// canonical is Document where what is below the key is canonical, as kitops has written it.
func (b Block) canonical() (key string, data []byte, ok bool) {
	line, rest, _ := strings.Cut(b.Text, "\n")
	name := strings.TrimLeft(line, " ")
	margin := strings.Repeat(" ", len(line)-len(name)+2)
	key, value, found := cutKey(name)
	if !found || value != "" {
		return "", nil, false
	}
	var text strings.Builder
	for line := range strings.Lines(rest) {
		line, inside := strings.CutPrefix(line, margin)
		if !inside {
			return "", nil, false
		}
		text.WriteString(line)
	}
	if strings.HasPrefix(key, `"`) {
		key, _ = strconv.Unquote(key) // as cutKey did
	}
	return key, []byte(text.String()), isCanonical(text.String())
}

func (r *reader) next() {
	var found bool
	r.line, r.rest, found = strings.Cut(r.rest, "\n")
	r.over = !found
	r.indent = len(r.line) - len(strings.TrimLeft(r.line, " "))
}

// mapping reads the lines of one at an indentation, below so many keys of others. The first may begin behind a dash.
func (r *reader) mapping(indent, depth, above int) bool {
	before := ""
	for count := 1; ; count++ {
		key, value, found := cutKey(r.line[indent:])
		r.effort += count
		if !found || key <= before || count > maxWide || above+count > maxOpen || r.effort > maxEffort || depth > mostPlainDepth {
			return false
		}
		before = key
		switch {
		case value != "":
			if value[0] != ' ' || !isInline(value[1:]) {
				return false
			}
			r.next()
		default:
			if r.next(); r.indent != indent+2 || !r.block(indent+2, depth+1, above+count) {
				return false
			}
		}
		if r.over || r.indent != indent {
			return true
		}
	}
}

// block reads a mapping or a sequence.
func (r *reader) block(indent, depth, above int) bool {
	if !strings.HasPrefix(r.line[indent:], "- ") {
		return r.mapping(indent, depth, above)
	}
	for {
		item, found := strings.CutPrefix(r.line[indent:], "- ")
		if !found || depth > mostPlainDepth {
			return false
		}
		if isInline(item) {
			r.next()
		} else if !r.block(indent+2, depth+1, above) {
			return false
		}
		if r.over || r.indent != indent {
			return true
		}
	}
}

// cutKey cuts a line behind its key, which is a string.
func cutKey(line string) (key, value string, found bool) {
	end := strings.IndexByte(line, ':')
	if strings.HasPrefix(line, `"`) {
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return "", "", false
		}
		end = len(quoted)
	}
	for end >= 0 && end+1 < len(line) && line[end] == ':' && line[end+1] != ' ' { // within a word
		next := strings.IndexByte(line[end+1:], ':')
		if next < 0 {
			return "", "", false
		}
		end += 1 + next
	}
	if end < 0 || end >= len(line) || line[end] != ':' || end > mostPlainKey {
		return "", "", false
	}
	return line[:end], line[end+1:], isQuoted(line[:end])
}

// isInline knows what stands on the line of its key or its dash.
func isInline(text string) bool {
	switch text {
	case "{}", "[]", "null", "true", "false":
		return true
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return strconv.FormatInt(n, 10) == text
	}
	return isQuoted(text)
}
