package gitmodules

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

var errHeader = errors.New("damaged section header")

// configEntry is one variable of a configuration file.
type configEntry struct {
	section string // what is in brackets, joined by a dot; lower case but for what is quoted
	key     string // lower case
	value   string
	set     bool // there is a "=", so that "" is a value
}

// parseConfig reads git's configuration format as git does, git-config(1). It
// follows no includes. go-git's reader refuses what git takes (bytes that are
// no UTF-8, a variable behind its header, a BOM) and reads continued lines otherwise.
func parseConfig(data []byte, each func(configEntry) error) error {
	c := &configReader{rest: bytes.TrimPrefix(data, []byte("\ufeff")), line: 1}
	if bytes.IndexByte(data, 0) >= 0 {
		return errors.New("it contains NUL")
	}
	for {
		entry, more, err := c.next()
		if err == nil && more {
			err = each(entry)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", c.at, err)
		}
		if !more {
			return nil
		}
	}
}

// Value is what a file in git's configuration format says of a key, as in "lfs.url". The last one counts; "" is none.
func Value(data []byte, key string) (value string, err error) {
	if len(data) > Max {
		return "", fmt.Errorf("it is larger than %d bytes", Max)
	}
	err = parseConfig(data, func(e configEntry) error {
		if e.set && e.section+"."+e.key == key {
			value = e.value
		}
		return nil
	})
	return value, err
}

// configEscapes may stand behind a backslash in a value, for what is at the same place in configEscaped.
const (
	configEscapes = "tbn\\\"\n"
	configEscaped = "\t\b\n\\\"\n"
)

// configReader goes through a file byte by byte.
type configReader struct {
	rest    []byte
	line    int // of the next byte
	at      int // line that what was read last is on
	section string
}

// read gives the next byte; the end looks like the end of a line, "\r\n" too.
func (c *configReader) read() (b byte, end bool) {
	c.at = c.line
	if len(c.rest) == 0 {
		return '\n', true
	}
	b, c.rest = c.rest[0], c.rest[1:]
	if b == '\r' && len(c.rest) > 0 && c.rest[0] == '\n' {
		b, c.rest = '\n', c.rest[1:]
	}
	if b == '\n' {
		c.line++
	}
	return b, false
}

// next goes on to the next variable.
func (c *configReader) next() (e configEntry, more bool, err error) {
	comment := false
	for {
		b, end := c.read()
		switch {
		case end:
			return e, false, nil
		case b == '\n':
			comment = false
		case comment, isConfigSpace(b):
		case b == '#', b == ';':
			comment = true
		case b == '[':
			if err := c.header(); err != nil {
				return e, false, err
			}
		case isAlpha(b):
			e, err := c.variable(b)
			return e, true, err
		default:
			return e, false, fmt.Errorf("unexpected %q", b)
		}
	}
}

func (c *configReader) header() error {
	var name strings.Builder
	for {
		b, end := c.read()
		switch {
		case b == ']' && name.Len() > 0:
			c.section = strings.ToLower(name.String())
			return nil
		case !end && isConfigSpace(b):
			sub, err := c.subsection(b)
			c.section = strings.ToLower(name.String()) + "." + sub
			return err
		case end || !isKeyByte(b) && b != '.':
			return errHeader
		}
		name.WriteByte(b)
	}
}

// subsection is what stands in quotes; a backslash takes the next byte as it is.
func (c *configReader) subsection(b byte) (string, error) {
	for isConfigSpace(b) && b != '\n' {
		b, _ = c.read()
	}
	if b != '"' {
		return "", errHeader
	}
	var name strings.Builder
	for {
		b, _ = c.read()
		if b == '"' {
			break
		}
		if b == '\\' {
			b, _ = c.read()
		}
		if b == '\n' {
			return "", errHeader
		}
		name.WriteByte(b)
	}
	if b, _ = c.read(); b != ']' {
		return "", errHeader
	}
	return name.String(), nil
}

func (c *configReader) variable(b byte) (configEntry, error) {
	key := []byte{b}
	b, _ = c.read()
	for isKeyByte(b) {
		key = append(key, b)
		b, _ = c.read()
	}
	for b == ' ' || b == '\t' {
		b, _ = c.read()
	}
	e := configEntry{section: c.section, key: strings.ToLower(string(key))}
	if b == '\n' {
		return e, nil
	}
	if b != '=' {
		return e, errors.New("damaged variable")
	}
	var err error
	e.set = true
	e.value, err = c.value()
	return e, err
}

// value reads to the end of the line, or of the last one continued: space
// around it and comments are no part of it unless quoted.
func (c *configReader) value() (string, error) {
	var value []byte
	var quoted, comment bool
	kept := 0 // how much of it is no space at its end
	for {
		b, _ := c.read()
		switch {
		case b == '\n' && quoted:
			return "", errors.New("a quote is not closed")
		case b == '\n':
			return string(value[:kept]), nil
		case comment:
			continue
		case isConfigSpace(b) && !quoted:
			if len(value) > 0 {
				value = append(value, b)
			}
			continue
		case (b == '#' || b == ';') && !quoted:
			comment = true
			continue
		case b == '"':
			quoted = !quoted
		case b == '\\':
			b, _ = c.read()
			i := strings.IndexByte(configEscapes, b)
			if i < 0 {
				return "", errors.New("unknown escape sequence")
			}
			if b != '\n' { // the value goes on in the next line
				value = append(value, configEscaped[i])
			}
		default:
			value = append(value, b)
		}
		kept = len(value)
	}
}

func isConfigSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }

func isAlpha(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }

func isKeyByte(b byte) bool { return isAlpha(b) || '0' <= b && b <= '9' || b == '-' }
