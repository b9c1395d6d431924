package remote

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	maxSSHIncludes = 16      // files within each other, readconf.h of OpenSSH
	maxSSHConfig   = 4 << 20 // bytes of a file
)

// sshConfig is what ~/.ssh/config says of one host, ssh_config(5): the first
// value of a key counts, or all of them where there may be several.
type sshConfig struct {
	home  string // where .ssh is
	host  string // as it is typed
	user  string // of the address; "": it names none
	local string // the user that kitops runs as

	values map[string][]string // by the key in lower case
	odd    []string            // what is in the file and not heeded
}

// several are the keys of which all values count.
func several(key string) bool { return key == "identityfile" || key == "certificatefile" }

func (c *sshConfig) get(key string) string {
	if values := c.values[strings.ToLower(key)]; len(values) > 0 {
		return values[0]
	}
	return ""
}

func (c *sshConfig) read(path string) error {
	c.values = map[string][]string{}
	active := true
	err := c.include(path, &active, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (c *sshConfig) include(path string, active *bool, depth int) error {
	if depth > maxSSHIncludes {
		return fmt.Errorf("read %s: more than %d files include each other", path, maxSSHIncludes)
	}
	info, err := os.Stat(path)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxSSHConfig) {
		err = fmt.Errorf("read %s: not a regular file of at most %d bytes", path, maxSSHConfig)
	}
	if err != nil {
		return err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for n, line := range strings.Split(string(content), "\n") {
		key, words, ok := sshWords(line)
		if !ok {
			return fmt.Errorf("read %s: line %d has no closing quote", path, n+1)
		}
		if key == "" || len(words) == 0 {
			continue
		}
		switch key {
		case "host":
			*active = matchSSH(words, c.host, false)
		case "match":
			*active = c.match(words, fmt.Sprintf("%s:%d", path, n+1))
		case "include":
			if err := c.includeAll(words, *active, depth); err != nil {
				return err
			}
		default:
			if *active {
				c.set(key, words)
			}
		}
	}
	return nil
}

// includeAll reads files of patterns. Whatever blocks are in them, the one that
// includes goes on as it was.
func (c *sshConfig) includeAll(patterns []string, active bool, depth int) error {
	for _, pattern := range patterns {
		pattern = expandHome(c.home, pattern)
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(c.home, ".ssh", pattern)
		}
		files, err := filepath.Glob(pattern)
		if err != nil {
			c.odd = append(c.odd, "Include "+pattern)
			continue
		}
		for _, file := range files {
			if !active {
				continue // nothing in there can count
			}
			inner := true
			if err := c.include(file, &inner, depth+1); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

func (c *sshConfig) set(key string, words []string) {
	switch {
	case several(key):
		c.values[key] = append(c.values[key], words[0])
	case len(c.values[key]) == 0:
		c.values[key] = words
	}
}

// match says whether a Match block counts. One that asks for more than kitops
// can tell does not.
func (c *sshConfig) match(words []string, where string) bool {
	matched := true
	for i := 0; i < len(words); i++ {
		kind, value, given := strings.Cut(words[i], "=")
		kind, negated := strings.CutPrefix(strings.ToLower(kind), "!")
		if kind == "all" {
			matched = matched && !negated
			continue
		}
		subject, known := c.subject(kind)
		if !known {
			c.odd = append(c.odd, fmt.Sprintf("Match %s in %s", kind, where))
			return false
		}
		if !given {
			if i++; i >= len(words) {
				c.odd = append(c.odd, fmt.Sprintf("Match %s without a value in %s", kind, where))
				return false
			}
			value = words[i]
		}
		if matchSSH(strings.Split(value, ","), subject, kind == "host") == negated {
			matched = false
		}
	}
	return matched
}

// subject is what a kind of Match compares.
func (c *sshConfig) subject(kind string) (string, bool) {
	switch kind {
	case "host":
		return strings.ToLower(c.name()), true
	case "originalhost":
		return c.host, true
	case "user":
		return first(c.user, c.get("User"), c.local), true
	case "localuser":
		return c.local, true
	}
	return "", false
}

// name is the host to connect to, as far as the file was read.
func (c *sshConfig) name() string {
	if name := c.get("HostName"); name != "" {
		return strings.NewReplacer("%h", c.host, "%%", "%").Replace(name)
	}
	return c.host
}

// matchSSH is a list of patterns of ssh_config(5): one that is negated excludes.
func matchSSH(patterns []string, s string, lower bool) bool {
	matched := false
	for _, pattern := range patterns {
		if lower {
			pattern = strings.ToLower(pattern)
		}
		pattern, negated := strings.CutPrefix(pattern, "!")
		if matchWildcards(pattern, s) {
			if negated {
				return false
			}
			matched = true
		}
	}
	return matched
}

// matchWildcards knows * and ?, in steps that the product of the lengths bounds.
func matchWildcards(pattern, s string) bool {
	star, mark, p, i := -1, 0, 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// sshWords takes a line apart: the key in lower case, an equals sign or space,
// and words, which may be quoted. A # begins a comment.
func sshWords(line string) (key string, words []string, ok bool) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return "", nil, true
	}
	end := strings.IndexAny(line, " \t=\"")
	if end < 0 {
		return strings.ToLower(line), nil, true
	}
	rest := strings.TrimLeft(line[end:], " \t")
	rest = strings.TrimPrefix(rest, "=")
	words, ok = splitWords(rest)
	return strings.ToLower(line[:end]), words, ok
}

func splitWords(s string) ([]string, bool) {
	var words []string
	var word []byte
	quote, some := byte(0), false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && i+1 < len(s) && strings.IndexByte(`"'\`, s[i+1]) >= 0:
			i++
			word, some = append(word, s[i]), true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, some = c, true
		case quote == 0 && c == '#' && !some:
			return words, true
		case quote == 0 && (c == ' ' || c == '\t' || c == '\r'):
			if some {
				words = append(words, string(word))
			}
			word, some = nil, false
		default:
			word, some = append(word, c), true
		}
	}
	if some {
		words = append(words, string(word))
	}
	return words, quote == 0
}

func expandHome(home, path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(home, rest)
	}
	return path
}

// unheeded is what the file says that kitops does not do, each once.
func (c *sshConfig) unheeded() []string { return slices.Compact(slices.Sorted(slices.Values(c.odd))) }
