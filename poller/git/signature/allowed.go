package signature

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// allowed is a line of a file of allowed signers, ssh-keygen(1).
type allowed struct {
	principals string // a list of patterns
	key        ssh.PublicKey
	authority  bool   // the key certifies others
	namespaces string // a list of patterns; "": any
	after      time.Time
	before     time.Time
}

// parseAllowed reads a file of allowed signers.
func parseAllowed(text string) ([]allowed, error) {
	var all []allowed
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		a, err := parseAllowedLine(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		all = append(all, a)
	}
	return all, nil
}

func parseAllowedLine(line string) (a allowed, err error) {
	a.principals, line, err = field(line)
	if err != nil || a.principals == "" {
		return a, errors.Join(errors.New("no principals"), err)
	}
	word, rest, err := field(line)
	if err != nil {
		return a, err
	}
	if !keyType(word) {
		word, rest, err = option(line)
		if err == nil {
			err = a.options(word)
		}
		if err != nil {
			return a, err
		}
		word, rest, _ = field(rest)
	}
	encoded, _, _ := field(rest)
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || encoded == "" {
		return a, errors.New("it is not PRINCIPALS [OPTIONS] KEYTYPE KEY")
	}
	if a.key, err = ssh.ParsePublicKey(data); err != nil {
		return a, err
	}
	if a.key.Type() != word {
		return a, fmt.Errorf("the key is of type %s, not %s", a.key.Type(), word)
	}
	return a, nil
}

// keyType says whether a word is one, and no option.
func keyType(word string) bool {
	return strings.HasPrefix(word, "ssh-") || strings.HasPrefix(word, "ecdsa-") || strings.HasPrefix(word, "sk-")
}

// field is the next word, which may be in quotes.
func field(line string) (word, rest string, err error) {
	line = strings.TrimLeft(line, " \t")
	if strings.HasPrefix(line, `"`) {
		word, rest, closed := strings.Cut(line[1:], `"`)
		if !closed {
			return "", "", errors.New("a quote is not closed")
		}
		return word, rest, nil
	}
	if i := strings.IndexAny(line, " \t"); i >= 0 {
		return line[:i], line[i:], nil
	}
	return line, "", nil
}

// option is the next word, in which quotes may hold blanks.
func option(line string) (word, rest string, err error) {
	line = strings.TrimLeft(line, " \t")
	quoted := false
	for i, c := range line {
		switch {
		case c == '"':
			quoted = !quoted
		case (c == ' ' || c == '\t') && !quoted:
			return line[:i], line[i:], nil
		}
	}
	if quoted {
		return "", "", errors.New("a quote is not closed")
	}
	return line, "", nil
}

func (a *allowed) options(text string) error {
	for text != "" {
		name, rest := text, ""
		if i := strings.IndexAny(text, "=,"); i >= 0 {
			name, rest = text[:i], text[i:]
		}
		value, given := "", false
		if strings.HasPrefix(rest, `="`) {
			var closed bool
			if value, rest, closed = strings.Cut(rest[2:], `"`); !closed {
				return errors.New("a quote is not closed")
			}
			given = true
		}
		var more bool
		if text, more = strings.CutPrefix(rest, ","); !more && rest != "" || more && text == "" {
			return fmt.Errorf("option %q is not understood", name+rest)
		}
		if err := a.option(strings.ToLower(name), value, given); err != nil {
			return err
		}
	}
	return nil
}

func (a *allowed) option(name, value string, given bool) (err error) {
	switch {
	case name == "cert-authority" && !given:
		a.authority = true
	case name == "namespaces" && given && a.namespaces == "" && value != "":
		a.namespaces = value
	case name == "valid-after" && given && a.after.IsZero():
		a.after, err = parseTime(value)
	case name == "valid-before" && given && a.before.IsZero():
		a.before, err = parseTime(value)
	default:
		err = fmt.Errorf("option %q is not understood, or given twice", name)
	}
	return err
}

// parseTime reads the times of ssh-keygen, which are of this host's zone unless they end with Z.
func parseTime(text string) (time.Time, error) {
	zone := time.Local
	digits, utc := strings.CutSuffix(text, "Z")
	if utc {
		zone = time.UTC
	}
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if len(digits) == len(layout) {
			if t, err := time.ParseInLocation(layout, digits, zone); err == nil {
				return t, nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time like YYYYMMDD or YYYYMMDDHHMMSS", text)
}

// matches says whether a list of patterns has a name: with commas between them, * and ? in them, ! before those that
// rule it out.
func matches(list, name string) bool {
	found := false
	for pattern := range strings.SplitSeq(list, ",") {
		pattern, negated := strings.CutPrefix(pattern, "!")
		if !wild(pattern, name) {
			continue
		}
		if negated {
			return false
		}
		found = true
	}
	return found
}

// wild matches * and ? with any characters, slashes among them.
func wild(pattern, name string) bool {
	escape := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `/`, "\x00")
	ok, err := path.Match(escape.Replace(pattern), strings.ReplaceAll(name, "/", "\x00"))
	return ok && err == nil
}
