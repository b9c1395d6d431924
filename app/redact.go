package app

import "strings"

const (
	tokenPrefix   = "ghs_" // of installation tokens, old and new: https://github.blog/changelog/ 2021-03-31
	shortestToken = 36     // characters after it
	jwtPrefix     = "eyJ"  // {" in base64
	redacted      = "[redacted]"
)

// Redact blots out installation tokens of any length, and JWTs. It takes time in proportion to the text.
func Redact(s string) string {
	var b strings.Builder
	kept, noJWT := 0, 0 // what is in b; up to where no JWT can begin
	for i := 0; i < len(s); i++ {
		n := 0
		switch rest := s[i:]; {
		case strings.HasPrefix(rest, tokenPrefix):
			if n = len(tokenPrefix) + run(rest[len(tokenPrefix):], "._-"); n < len(tokenPrefix)+shortestToken {
				n = 0
			}
		case i >= noJWT && strings.HasPrefix(rest, jwtPrefix):
			if n = jwtLength(rest); n == 0 {
				noJWT = i + run(rest, "_-")
			}
		}
		if n > 0 {
			b.WriteString(s[kept:i])
			b.WriteString(redacted)
			kept, i = i+n, i+n-1
		}
	}
	if kept == 0 {
		return s
	}
	return b.String() + s[kept:]
}

// run is how many characters at the beginning of s are letters, digits or these others.
func run(s, others string) int {
	if n := strings.IndexFunc(s, func(r rune) bool { return !only(string(r), others) }); n >= 0 {
		return n
	}
	return len(s)
}

// jwtLength is how long the JWT is that s begins with, three parts with dots between them, or 0.
func jwtLength(s string) int {
	length := len(jwtPrefix)
	for part := range 3 {
		if part > 0 {
			if length >= len(s) || s[length] != '.' {
				return 0
			}
			length++
		}
		n := run(s[length:], "_-")
		if n == 0 {
			return 0
		}
		length += n
	}
	return length
}
