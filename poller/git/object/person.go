package object

import (
	"bytes"
	"strconv"
	"time"
)

const (
	maxMessage = 64 << 10                // bytes
	latest     = 253402300799 - 24*60*60 // seconds: the last day that RFC 3339 can write in every zone
)

// Text is what a commit says to people. None of it is to be trusted.
type Text struct {
	Message           string // at most 64 KB
	Author, Committer Person
}

// Person is who has made a commit, as far as that says so.
type Person struct {
	Name, Email string
	When        time.Time // zero where it is not known
}

// ParseText reads it. A commit that leaves something out has it empty.
func ParseText(data []byte) (t Text) {
	head, message, _ := bytes.Cut(data, []byte("\n\n"))
	for line := range bytes.SplitSeq(head, []byte("\n")) {
		word, rest, _ := bytes.Cut(line, []byte(" "))
		switch {
		case string(word) == "author" && t.Author == Person{}:
			t.Author = parsePerson(rest)
		case string(word) == "committer" && t.Committer == Person{}:
			t.Committer = parsePerson(rest)
		}
	}
	t.Message = printable(bytes.TrimRight(message[:min(len(message), maxMessage)], "\n"))
	return t
}

// parsePerson reads NAME <EMAIL> SECONDS ZONE.
func parsePerson(line []byte) Person {
	name, rest, _ := bytes.Cut(line, []byte("<"))
	email, when, _ := bytes.Cut(rest, []byte(">"))
	p := Person{Name: printable(bytes.TrimSpace(name)), Email: printable(bytes.TrimSpace(email))}
	seconds, zone, _ := bytes.Cut(bytes.TrimSpace(when), []byte(" "))
	at, err := strconv.ParseInt(string(seconds), 10, 64)
	if err != nil || at < 0 || at > latest {
		return p
	}
	p.When = time.Unix(at, 0).UTC()
	if offset, err := time.Parse("-0700", string(zone)); err == nil {
		p.When = p.When.In(offset.Location())
	}
	return p
}

func printable(text []byte) string { return string(bytes.ToValidUTF8(text, []byte("\uFFFD"))) }
