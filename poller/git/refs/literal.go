package refs

import (
	"strings"
)

// Names are the refs asked for letter by letter, without the excluded ones.
func (p Patterns) Names() []string {
	var names []string
	for _, pattern := range p {
		if matched, _ := p.Match(pattern); matched && pattern != Head && literal(pattern) {
			names = append(names, pattern)
		}
	}
	return names
}

// Short writes the patterns as people do, who leave out that they mean branches.
func (p Patterns) Short() string {
	short := make([]string, len(p))
	for i, pattern := range p {
		name, excluded := strings.CutPrefix(pattern, "!")
		if strings.HasPrefix(name, "refs/tags/") {
			name = strings.TrimPrefix(name, "refs/")
		}
		switch name = strings.TrimPrefix(name, "refs/heads/"); {
		case excluded:
			name = "!" + name
		case name == Head:
			name = "default"
		}
		short[i] = name
	}
	return strings.Join(short, " ")
}

// Wild says whether refs are selected otherwise than by name, so that which
// ones there are is news.
func (p Patterns) Wild() bool {
	for _, pattern := range p {
		if !strings.HasPrefix(pattern, "!") && !literal(pattern) {
			return true
		}
	}
	return false
}

// Kinds is what the patterns select, in words: branch, tag, or branch or tag.
func (p Patterns) Kinds() string {
	tags, others := false, false
	for _, pattern := range p {
		if isTag := strings.HasPrefix(pattern, "refs/tags/"); isTag {
			tags = true
		} else if !strings.HasPrefix(pattern, "!") {
			others = true
		}
	}
	switch {
	case tags && others:
		return "branch or tag"
	case tags:
		return "tag"
	}
	return "branch"
}
