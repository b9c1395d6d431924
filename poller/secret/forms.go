package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
)

// wrapped is where the base64 of coreutils and of MIME (RFC 2045) breaks a line, in characters.
const wrapped = 76

// forms are the patterns to look for of a secret: none shorter than Shortest, some more than once.
func forms(value string) []string {
	var all []string
	add := func(pattern string) {
		if len(pattern) >= Shortest {
			all = append(all, pattern)
		}
	}
	parts := []string{value, strings.TrimSpace(value)}
	for line := range strings.Lines(value) {
		parts = append(parts, strings.TrimRight(line, "\r\n"), strings.TrimSpace(line))
	}
	for _, part := range parts {
		if len(part) < Shortest {
			continue
		}
		add(part)
		add(url.QueryEscape(part))
		add(url.PathEscape(part))
		add(inCommand(part))
		add(inCommand(part, ":", "%3A", ",", "%2C"))
		add(hex.EncodeToString([]byte(part)))
		add(strings.ToUpper(hex.EncodeToString([]byte(part))))
		add(inJSON(part, true))
		add(inJSON(part, false))
		for skip := range 3 {
			for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
				add(inBase64(part, skip, encoding))
			}
		}
	}
	for _, whole := range []string{value, value + "\n"} {
		if encoded := base64.StdEncoding.EncodeToString([]byte(whole)); len(value) >= Shortest && len(encoded) > wrapped {
			for line := range chunks(encoded, wrapped) {
				add(line)
			}
		}
	}
	return all
}

// inBase64 is what base64 makes of a text that has skip bytes, modulo three, before it, whatever stands around it.
func inBase64(text string, skip int, encoding *base64.Encoding) string {
	encoded := encoding.EncodeToString(append(make([]byte, skip), text...))
	return encoded[(skip*8+5)/6 : (skip+len(text))*8/6]
}

// inCommand is a text as a line such as ::error has it for GitHub; in a parameter more is escaped.
func inCommand(text string, more ...string) string {
	return strings.NewReplacer(append(more, "%", "%25", "\r", "%0D", "\n", "%0A")...).Replace(text)
}

func inJSON(text string, forHTML bool) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(forHTML)
	if encoder.Encode(text) != nil {
		return ""
	}
	quoted := strings.TrimSpace(out.String())
	return quoted[1 : len(quoted)-1]
}

func chunks(text string, size int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for ; text != ""; text = text[min(size, len(text)):] {
			if !yield(text[:min(size, len(text))]) {
				return
			}
		}
	}
}
