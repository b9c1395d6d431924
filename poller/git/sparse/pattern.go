package sparse

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bittrance/kitops/poller/git/attributes"
)

// pattern is a line of info/sparse-checkout.
type pattern struct {
	text     string // without ! and the slashes at its ends
	selects  bool   // it has no !
	dirOnly  bool   // a slash ended it
	anywhere bool   // it is for names in any directory
	simple   bool   // what its segments are is easily seen
}

func (l *List) parsePatterns() error {
	for _, entry := range l.entries {
		p, err := parsePattern(entry)
		if err != nil {
			return err
		}
		l.patterns = append(l.patterns, p)
	}
	return nil
}

func parsePattern(entry string) (pattern, error) {
	text, p := entry, pattern{selects: true}
	if strings.HasSuffix(text, " ") && !strings.HasSuffix(text, `\ `) {
		return p, fmt.Errorf("%q ends with a blank, which git leaves out: write \\ before it if a name ends so", entry)
	}
	if strings.HasPrefix(text, "!") {
		p.selects, text = false, text[1:]
	}
	if p.dirOnly = strings.HasSuffix(text, "/"); p.dirOnly {
		text = text[:len(text)-1]
	}
	p.anywhere = !strings.Contains(text, "/")
	p.text = strings.TrimPrefix(text, "/")
	switch {
	case p.text == "":
		return p, fmt.Errorf("%q selects nothing: write /* for all that is at the top", entry)
	case strings.HasSuffix(p.text, `\`) && !strings.HasSuffix(p.text, `\\`):
		return p, fmt.Errorf(`%q ends with a \ that has nothing to escape`, entry)
	}
	for name := range strings.SplitSeq(p.text, "/") {
		if name == "." || name == ".." || name == "" {
			return p, errors.New(entry + " has a name in it that is none in a repository")
		}
	}
	p.simple = !strings.ContainsAny(p.text, `[\`)
	return p, nil
}

// matches says whether it is for a path.
func (p *pattern) matches(path []byte, name int, dir bool, steps *int64) bool {
	if p.dirOnly && !dir {
		return false
	}
	if p.anywhere {
		path = path[name:]
	}
	return attributes.Match(p.text, path, steps)
}

// reaches says whether it may match something below a directory.
func (p *pattern) reaches(dir string, steps *int64) bool {
	if p.anywhere || !p.simple {
		return true
	}
	rest := p.text
	for more := true; more; {
		var segment, name string
		segment, rest, _ = strings.Cut(rest, "/")
		name, dir, more = strings.Cut(dir, "/")
		switch {
		case strings.Contains(segment, "**"):
			return true
		case !attributes.Match(segment, []byte(name), steps) || rest == "":
			return false
		}
	}
	return true
}
