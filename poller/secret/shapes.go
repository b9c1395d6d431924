package secret

import (
	"bytes"
	"strings"
)

const (
	maxToken       = 4096 // bytes; tokens of GitHub have about 40 to 520
	minToken       = 36   // after the prefix
	maxCredentials = 512
	maxCommand     = 8 << 10
)

func isToken(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_' || c == '-' || c == '.'
}

// token tells how long a token of GitHub at the beginning of data is, and whether the bytes that follow may belong to it.
// The prefixes are those of https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/
func token(data []byte) (n int, more bool) {
	for _, prefix := range [...]string{"ghs_", "ghp_", "gho_", "ghu_", "ghr_", "github_pat_"} {
		if len(data) < len(prefix) {
			more = more || strings.HasPrefix(prefix, string(data))
			continue
		}
		if string(data[:len(prefix)]) != prefix {
			continue
		}
		n := len(prefix)
		for n < len(data) && n < maxToken && isToken(data[n]) {
			n++
		}
		more = n == len(data) && n < maxToken
		if n < len(prefix)+minToken {
			return 0, more
		}
		return n, more
	}
	return 0, more
}

// credentials tells how long the user and password at the beginning of data are, which follows the "://" of an address.
func credentials(data []byte) (n int, more bool) {
	for i, c := range data[:min(len(data), maxCredentials)] {
		switch {
		case c == '@' && string(data[:i]) == "git": // as everybody's ssh
			return 0, false
		case c == '@':
			return i, false
		case c <= ' ', c == '/', c == '"', c == '\'', c == '<', c == '>', c == '`':
			return 0, false
		}
	}
	return 0, len(data) < maxCredentials
}

// addMask reads a line "::add-mask::VALUE" at the beginning of data, and how long it is. The value is escaped as in
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions
func addMask(data []byte) (value Text, n int, more bool) {
	const command = "::add-mask::"
	if len(data) < len(command) {
		return Text{}, 0, strings.HasPrefix(command, string(data))
	}
	if string(data[:len(command)]) != command {
		return Text{}, 0, false
	}
	line, _, whole := bytes.Cut(data[:min(len(data), maxCommand)], []byte("\n"))
	unescape := strings.NewReplacer("%0D", "\r", "%0A", "\n", "%0d", "\r", "%0a", "\n", "%25", "%")
	value = New(strings.TrimSpace(unescape.Replace(string(line[len(command):]))))
	return value, len(line), !whole && len(data) < maxCommand
}
