package signature

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/git/object"
)

// The kinds of signatures, by how they begin.
const (
	beginSSH     = "-----BEGIN SSH SIGNATURE-----"
	beginPGP     = "-----BEGIN PGP SIGNATURE-----"
	beginMessage = "-----BEGIN PGP MESSAGE-----" // of old OpenPGP
	beginX509    = "-----BEGIN SIGNED MESSAGE-----"
)

// ErrUnsigned says that an object has no signature.
var ErrUnsigned = errors.New("not signed")

var errSeveral = errors.New("refused: it has more than one signature")

// signed is an object taken apart.
type signed struct {
	payload   []byte // what the signature is of
	signature []byte
	by        time.Time // of the commit, or of the tag; zero: none is told
	tag       string    // the name that a tag has in itself
}

// split takes a commit or a tag apart.
func split(o object.Object) (signed, error) {
	var s signed
	head, body, _ := bytes.Cut(o.Data, []byte("\n\n"))
	if o.Kind == object.KindTag {
		return s, s.splitTag(o.Data, head, body)
	}
	return s, s.splitCommit(o.Data, head)
}

// splitCommit finds the header with the signature, whose later lines begin with a blank.
func (s *signed) splitCommit(data, head []byte) error {
	var payload, signature bytes.Buffer
	header := "gpgsig"
	found, inside, own := 0, false, true
	for line := range bytes.Lines(append(head[:len(head):len(head)], '\n')) {
		name, value, _ := bytes.Cut(line, []byte(" "))
		if string(name) == "tree" && len(bytes.TrimSpace(value)) == object.SHA256.HexSize() {
			header = "gpgsig-sha256"
		}
		switch {
		case line[0] == ' ' && inside:
			signature.Write(line[1:])
			continue
		case bytes.HasPrefix(name, []byte("gpgsig")):
			inside = true
			found++
			own = own && string(name) == header
			signature.Write(value)
			continue
		}
		inside = false
		if string(name) == "committer" {
			s.by = dateOf(value)
		}
		payload.Write(line)
	}
	switch {
	case found == 0:
		return ErrUnsigned
	case found > 1:
		return errSeveral
	case !own:
		return errors.New("refused: it is signed as an object of a repository of the other format, SHA-1 or SHA-256")
	}
	payload.Write(data[min(len(head)+1, len(data)):])
	s.payload, s.signature = payload.Bytes(), signature.Bytes()
	return nil
}

// splitTag finds the signature at the end of the message.
func (s *signed) splitTag(data, head, body []byte) error {
	for line := range bytes.Lines(append(head[:len(head):len(head)], '\n')) {
		name, value, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
		switch {
		case bytes.HasPrefix(name, []byte("gpgsig")):
			return errors.New("refused: a tag whose signature is a header is not supported")
		case string(name) == "tagger":
			s.by = dateOf(value)
		case string(name) == "tag" && s.tag == "":
			s.tag = string(value)
		case string(name) == "tag":
			return errors.New("refused: the tag has two names")
		}
	}
	at, begins := len(data)-len(body), -1
	for line := range bytes.Lines(body) {
		if begin(line) {
			if begins >= 0 {
				return errSeveral
			}
			begins = at
		}
		at += len(line)
	}
	if begins < 0 {
		return ErrUnsigned
	}
	s.payload, s.signature = data[:begins], data[begins:]
	return nil
}

// begin says whether a signature begins with a line.
func begin(line []byte) bool {
	for _, kind := range []string{beginSSH, beginPGP, beginMessage, beginX509} {
		if bytes.HasPrefix(line, []byte(kind)) {
			return true
		}
	}
	return false
}

// single says what is wrong with a signature that is more than one block of the kind.
func single(signature []byte, kind string) error {
	text := strings.TrimRight(string(signature), "\n")
	end := strings.Replace(kind, "BEGIN", "END", 1)
	if strings.Count(text, "-----BEGIN ") != 1 || !strings.HasSuffix(text, "\n"+end) || strings.Count(text, "-----END ") != 1 {
		return errors.New("refused: it has more than one signature, or one with something around it")
	}
	return nil
}

// dateOf is the time in the line of a person: name <address> seconds zone.
func dateOf(person []byte) time.Time {
	_, date, _ := bytes.Cut(person[bytes.LastIndexByte(person, '>')+1:], []byte(" "))
	seconds, _, _ := strings.Cut(string(date), " ")
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || n < 0 {
		return time.Time{}
	}
	return time.Unix(n, 0)
}
