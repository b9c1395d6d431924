package bucket

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Suffix ends the names of objects that are documents.
const Suffix = ".yaml"

const maxName = 240 // bytes: gateways keep objects as files

// nameOf is the object that a key's document is in.
func (s *Store) nameOf(key string) (string, error) {
	if !utf8.ValidString(key) {
		return "", errors.New("the key is not valid UTF-8")
	}
	name := escape(key) + Suffix
	if len(name) > maxName {
		return "", fmt.Errorf("a name of %d bytes, at most %d are kept in a shared store: give it a shorter one", len(name), maxName)
	}
	return s.folder + name, nil
}

func (s *Store) keyOf(name string) (key string, ours bool) {
	name, ours = strings.CutPrefix(name, s.folder)
	if !ours {
		return "", false
	}
	name, ours = strings.CutSuffix(name, Suffix)
	if !ours {
		return "", false
	}
	return unescape(name)
}

// escape keeps letters, digits and what no server or file system takes for something else; of any other byte it writes the
// value in hex, behind an equals sign. What begins with a key's beginning begins with its escape's.
func escape(key string) string {
	var b strings.Builder
	for i := range len(key) {
		if c := key[i]; plain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

func unescape(name string) (key string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case plain(c):
			b.WriteByte(c)
		case c == '=' && i+2 < len(name):
			n, err := strconv.ParseUint(name[i+1:i+3], 16, 8)
			if err != nil {
				return "", false
			}
			b.WriteByte(byte(n))
			i += 2
		default:
			return "", false
		}
	}
	key = b.String()
	return key, utf8.ValidString(key) && escape(key) == name
}

func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'
}
